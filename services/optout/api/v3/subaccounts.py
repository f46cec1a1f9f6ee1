"""Subaccounts: `/v3/subaccounts`. The flags of what Stopline does not offer are 0, whatever is asked for."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from services.optout.api import subaccounts as stored
from services.optout.api.context import CallerAccountId, CallingUser, Database
from services.optout.api.runtime import ApiRuntime
from services.optout.api.subaccounts import StoredSubaccount
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.models import Answer, Given, GivenText, PathId
from services.optout.api.v3.paging import AskedPage, Page
from services.optout.api.v3.route import V3Route

_PATH = "/v3/subaccounts"
_ONE = f"{_PATH}/{{subaccount_id}}"
_TEXTS = ("email", "phone_number", "first_name", "last_name", "notes")
_GIVEN_WITHOUT_ASKING = frozenset({"sms"})

router = APIRouter(route_class=V3Route)

_Flag = Annotated[bool, Field(description="1: has the right; 0: has not.")] | None


class Subaccount(Answer):
    """A user of the account's API; `api_key` is shown once, where it is made."""

    subaccount_id: int
    api_username: str
    email: str
    phone_number: str
    first_name: str
    last_name: str
    api_key: str | None
    access_users: int
    access_billing: int
    access_reporting: int
    access_contacts: int
    access_settings: int
    access_sms: int
    access_smpp: int = 0
    access_email: int = 0
    access_voice: int = 0
    access_fax: int = 0
    access_post: int = 0
    access_reseller: int = 0
    access_global_sending: int = 0
    access_mms: int = 0
    hide_pricing: int = 0
    share_campaigns: int = 0
    notes: str | None
    is_main: int
    sign_up_type: str | None = None


class NewApiKey(Answer):
    """A key, shown once."""

    api_key: str


class SubaccountFields(Given):
    """A change of a user; what is missing stays."""

    email: GivenText | None = None
    phone_number: GivenText | None = None
    first_name: GivenText | None = None
    last_name: GivenText | None = None
    notes: GivenText | None = None
    access_sms: _Flag = None
    access_users: _Flag = None
    access_billing: _Flag = None
    access_reporting: _Flag = None
    access_contacts: _Flag = None
    access_settings: _Flag = None

    def rights(self) -> dict[str, bool]:
        """Return the rights that are given or taken."""
        given = self.model_dump(exclude_none=True)
        return {name.removeprefix("access_"): flag for name, flag in given.items() if name.startswith("access_")}

    def texts(self) -> dict[str, str]:
        return self.model_dump(include=set(_TEXTS), exclude_none=True)


class SubaccountToAdd(SubaccountFields):
    """A new user. A password is not kept: a user logs in with the API key of the answer."""

    api_username: Annotated[str, StringConstraints(pattern=r"^[!-9;-~]{1,100}$")]


@router.get(_PATH)
async def list_subaccounts(
    account_id: CallerAccountId, database: Database, paging: AskedPage
) -> Envelope[Page[Subaccount]]:
    found, total = await stored.read_subaccounts(database, account_id, paging.offset, paging.limit)
    return success("Here are your subaccounts.", paging.of([subaccount_shown(each) for each in found], total))


@router.post(_PATH)
async def create_subaccount(
    given: SubaccountToAdd, user: CallingUser, database: Database, runtime: ApiRuntime
) -> Envelope[Subaccount]:
    """Add a user; without flags it may send and nothing else."""
    asked = given.rights()
    rights = frozenset(name for name, flag in asked.items() if flag) | (_GIVEN_WITHOUT_ASKING - asked.keys())
    added, api_key = await stored.add_subaccount(
        database, runtime.logins, user, stored.NewSubaccount(given.api_username, rights, given.texts())
    )
    return success("Subaccount has been created.", subaccount_shown(added, api_key))


@router.get(_ONE)
async def read_subaccount(
    subaccount_id: PathId, account_id: CallerAccountId, database: Database
) -> Envelope[Subaccount]:
    found = await stored.read_subaccount(database, account_id, subaccount_id)
    return success("Here is your subaccount.", subaccount_shown(found))


@router.put(_ONE)
async def update_subaccount(
    subaccount_id: PathId, given: SubaccountFields, user: CallingUser, database: Database
) -> Envelope[Subaccount]:
    changed = await stored.change_subaccount(database, user, subaccount_id, given.rights(), given.texts())
    return success("Subaccount has been updated.", subaccount_shown(changed))


@router.put(f"{_ONE}/regen-api-key")
async def regenerate_api_key(
    subaccount_id: PathId, user: CallingUser, database: Database, runtime: ApiRuntime
) -> Envelope[NewApiKey]:
    """Replace the user's key; the old one is refused from the next request on."""
    api_key = await stored.regenerate_key(database, runtime.logins, user, subaccount_id)
    return success("API key has been regenerated.", NewApiKey(api_key=api_key))


@router.delete(_ONE)
async def delete_subaccount(subaccount_id: PathId, user: CallingUser, database: Database) -> Envelope[bool]:
    await stored.delete_subaccount(database, user, subaccount_id)
    return success("Subaccount has been deleted.", True)


def subaccount_shown(user: StoredSubaccount, api_key: str | None = None) -> Subaccount:
    """Return a user as clients see it; the account itself has all rights."""
    texts = {name: user.fields.get(name, "") for name in _TEXTS}
    names = ("sms", "users", "billing", "reporting", "contacts", "settings")
    flags = {f"access_{name}": int(user.is_main or name in user.rights) for name in names}
    who = {"subaccount_id": user.subaccount_id, "api_username": user.api_username, "is_main": int(user.is_main)}
    return Subaccount.model_validate({**who, "api_key": api_key, **texts, **flags})
