"""The account itself, and what each of its users sent in a month: `/v3/account`.

Of ClickSend's fields those are missing that are about what Stopline does not have, such as fax and recharging; typed
clients read a missing field as none.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from services.optout.api import subaccounts as stored
from services.optout.api.context import CallerAccountId, CallingUser, Database
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.models import Answer, Currency
from services.optout.api.v3.route import V3Route
from services.optout.api.v3.sms_models import PRICE
from services.optout.api.v3.subaccounts import Subaccount, subaccount_shown

ACCOUNT = "SELECT name, country, created_at FROM accounts WHERE account_id = $1"

# What users sent from $2 until before $3; what was scheduled and not sent does not count.
USAGE = """
WITH sent AS (
    SELECT coalesce(nullif(subaccount_id, 0), user_id) AS subaccount_id, count(*) AS messages
    FROM messages WHERE account_id = $1 AND created_at >= $2 AND created_at < $3
        AND status NOT IN ('scheduled', 'cancelled')
    GROUP BY 1
)
SELECT s.subaccount_id, s.api_username, s.fields ->> 'notes' AS notes, sent.messages
FROM sent JOIN subaccounts s USING (subaccount_id) ORDER BY s.subaccount_id
"""

router = APIRouter(route_class=V3Route)

_Year = Annotated[int, Path(ge=2000, le=9998)]
_Month = Annotated[int, Path(ge=1, le=12)]


class AccountShown(Answer):
    """The account, as the user sees it who asks."""

    user_id: int
    username: str
    user_email: str
    active: int = 1
    banned: int = 0
    date_sign_up: int
    balance: str = PRICE
    user_phone: str
    user_first_name: str
    user_last_name: str
    account: int
    account_name: str
    country: str
    default_country_sms: str
    timezone: str = "UTC"
    on_trial: int = 0
    trial_expiry: str | None = None
    currency: Currency = Field(default=Currency(), alias="_currency")
    subaccount: Subaccount = Field(alias="_subaccount")


class UsageOfUser(Answer):
    """The number of messages that a user sent."""

    subaccount_id: int
    username: str
    total_count: str
    total_price: float = 0.0
    notes: str | None


class UsageTotal(Answer):
    """The number of messages that all users sent."""

    count: int = 0
    price: float = 0.0


_Nothing = tuple[()]


class Usage(Answer):
    """The usage of a month; of what Stopline does not offer there is none."""

    sms: list[UsageOfUser]
    mms: _Nothing = ()
    voice: _Nothing = ()
    fax: _Nothing = ()
    post: _Nothing = ()
    email: _Nothing = ()
    email_transactional: _Nothing = ()
    postcards: _Nothing = ()
    sms_total: UsageTotal
    voice_total: UsageTotal = UsageTotal()
    fax_total: UsageTotal = UsageTotal()
    post_total: UsageTotal = UsageTotal()
    email_total: UsageTotal = UsageTotal()
    mms_total: UsageTotal = UsageTotal()
    email_transactional_total: UsageTotal = UsageTotal()
    postcards_total: UsageTotal = UsageTotal()
    currency: Currency = Field(default=Currency(), alias="_currency")


@router.get("/v3/account")
async def read_account(user: CallingUser, database: Database) -> Envelope[AccountShown]:
    """Return the account, and the user who asks."""
    row = await database.fetchrow(ACCOUNT, user.account_id)
    main = await stored.read_subaccount(database, user.account_id, user.user_id)
    caller = await stored.read_subaccount(database, user.account_id, user.subaccount_id)
    return success("Here is your account.", _account(row, subaccount_shown(main), subaccount_shown(caller)))


@router.get("/v3/account/usage/{year}/{month}/subaccount")
async def read_usage(year: _Year, month: _Month, account_id: CallerAccountId, database: Database) -> Envelope[Usage]:
    """Return how many messages each user sent in a month of UTC."""
    first = datetime(year, month, 1, tzinfo=UTC)
    after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    rows = await database.fetch(USAGE, account_id, first, after)
    total = UsageTotal(count=sum(row["messages"] for row in rows))
    return success("Here is your usage.", Usage(sms=[_usage(row) for row in rows], sms_total=total))


def _account(row: Any, main: Subaccount, caller: Subaccount) -> AccountShown:
    country = row["country"] or ""
    return AccountShown(
        user_id=main.subaccount_id,
        username=caller.api_username,
        user_email=caller.email,
        date_sign_up=int(row["created_at"].timestamp()),
        user_phone=caller.phone_number,
        user_first_name=caller.first_name,
        user_last_name=caller.last_name,
        account=main.subaccount_id,
        account_name=row["name"],
        country=country,
        default_country_sms=country,
        subaccount=caller,
    )


def _usage(row: Any) -> UsageOfUser:
    return UsageOfUser(
        subaccount_id=row["subaccount_id"],
        username=row["api_username"],
        total_count=str(row["messages"]),
        notes=row["notes"],
    )
