"""Contacts of a list: `/v3/lists/{list_id}/contacts`. Whoever has opted out of the list is not shown on it.

Adding a contact lifts no opt-out: whoever has opted out is added, and shown once they have opted in again.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallerAccountId, CallingUser
from services.optout.api.errors import ApiError
from services.optout.api.known_list import KnownList, require_list
from services.optout.api.phones import country_of
from services.optout.api.runtime import ApiRuntime
from services.optout.api.v3 import opt_out_list
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.list_members import MEMBER, AskedMembers
from services.optout.api.v3.list_models import Contact, ContactFields, contact_shown
from services.optout.api.v3.models import PathId
from services.optout.api.v3.paging import AskedPage, Page
from services.optout.api.v3.route import V3Route
from services.optout.contact_phone import contact_phone
from shared.postgres import Connection, connection_from

# Adds a contact, unless the list is deleted meanwhile.
ADD = """
INSERT INTO contacts (account_id, list_id, phone, fields)
SELECT account_id, list_id, $3, $4::jsonb FROM contact_lists
WHERE account_id = $1 AND list_id = $2 AND deleted_at IS NULL FOR KEY SHARE
RETURNING contact_id, phone, fields, added_at, updated_at
"""
ONE = f"""
SELECT c.contact_id, c.phone, c.fields, c.added_at, c.updated_at FROM contacts c WHERE {MEMBER} AND c.contact_id = $4
"""  # noqa: S608 (no value from outside)
CHANGE = """
UPDATE contacts SET phone = $2, fields = $3::jsonb, updated_at = now() WHERE contact_id = $1
RETURNING contact_id, phone, fields, added_at, updated_at
"""
REMOVE = "UPDATE contacts SET removed_at = now() WHERE contact_id = $1 AND removed_at IS NULL"

_PATH = "/v3/lists/{list_id}/contacts"
_ONE = f"{_PATH}/{{contact_id}}"
_MAX_SECONDS = 2**33
_EVER = datetime.fromtimestamp(0, UTC)

router = APIRouter(route_class=V3Route)

UpdatedAfter = Annotated[int, Query(ge=0, le=_MAX_SECONDS, description="A unix time; contacts changed from then on.")]


@router.get(_PATH)
async def read_contacts(
    list_id: PathId, account_id: CallerAccountId, runtime: ApiRuntime, asked: AskedPage, updated_after: UpdatedAfter = 0
) -> Envelope[Page[Contact]]:
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        found = await require_list(connection, account_id, list_id)
    members = AskedMembers(found, datetime.fromtimestamp(updated_after, UTC))
    rows, total = await runtime.list_members.page(members, asked.offset, asked.limit)
    return success("Here are your contacts.", asked.of([shown(row, found) for row in rows], total))


@router.post(_PATH)
async def create_contact(
    list_id: PathId, given: ContactFields, user: CallingUser, runtime: ApiRuntime
) -> Envelope[Contact]:
    """Add a contact; to the opt-out list, opt a number out of all lists."""
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        found = await require_list(connection, user.account_id, list_id)
        phone = await _phone(connection, user.account_id, given)
        if not found.is_opt_outs:
            fields = given.kept()
            _check_reached(phone, fields)
            added = await add(connection, found, phone, json.dumps(fields))
    if found.is_opt_outs:
        added = await opt_out_list.add(runtime, user, found, phone, given.custom_3)
    return success("The contact has been added.", added)


@router.get(_ONE)
async def read_contact(
    list_id: PathId, contact_id: PathId, account_id: CallerAccountId, runtime: ApiRuntime
) -> Envelope[Contact]:
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        found = await require_list(connection, account_id, list_id)
        one = opt_out_list.entry if found.is_opt_outs else member
        return success("Here is your contact.", shown(await one(connection, found, contact_id), found))


@router.put(_ONE)
async def update_contact(
    list_id: PathId, contact_id: PathId, given: ContactFields, account_id: CallerAccountId, runtime: ApiRuntime
) -> Envelope[Contact]:
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection, connection.transaction():
        found = not_opt_outs(await require_list(connection, account_id, list_id))
        row = await member(connection, found, contact_id, for_change=True)
        phone = row["phone"]
        if "phone_number" in given.model_fields_set:
            phone = await _phone(connection, account_id, given)
        fields = given.over(json.loads(row["fields"]))
        _check_reached(phone, fields)
        changed = await connection.fetchrow(CHANGE, contact_id, phone, json.dumps(fields))
    return success("The contact has been changed.", shown(changed, found))


@router.delete(_ONE)
async def delete_contact(
    list_id: PathId,
    contact_id: PathId,
    user: CallingUser,
    runtime: ApiRuntime,
    reason: opt_out_list.OptInReason = None,
) -> Envelope[list[str]]:
    """Take a contact off the list; off the opt-out list only with `reason`: they may be messaged again."""
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        found = await require_list(connection, user.account_id, list_id)
        if found.is_opt_outs:
            entry = await opt_out_list.entry(connection, found, contact_id)
        else:
            await member(connection, found, contact_id)
            await connection.execute(REMOVE, contact_id)
    if found.is_opt_outs:
        await opt_out_list.remove(runtime, user, entry, reason)
    return success("The contact has been deleted.", list[str]())


async def add(connection: Connection, found: KnownList, phone: str | None, fields: str) -> Contact:
    """Add a contact; `fields` as JSON.

    Raises:
        ApiError: 404, the list was deleted meanwhile.
    """
    row = await connection.fetchrow(ADD, found.account_id, found.list_id, phone, fields)
    if row is None:
        raise ApiError(404, "not_found", f"list_id: there is no list {found.list_id}", "list_id")
    return shown(row, found)


async def member(connection: Connection, found: KnownList, contact_id: int, *, for_change: bool = False) -> Any:
    """Return a contact that is on a list; `for_change` locks it.

    Raises:
        ApiError: 404, it is not, or the person has opted out.
    """
    query = f"{ONE} FOR UPDATE OF c" if for_change else ONE
    row = await connection.fetchrow(query, found.account_id, found.list_id, _EVER, contact_id)
    if row is None:
        message = f"contact_id: there is no contact {contact_id} on this list; who has opted out is on the opt-out list"
        raise ApiError(404, "not_found", message, "contact_id")
    return row


def shown(row: Any, found: KnownList) -> Contact:
    return contact_shown(row, found.list_id, found.name)


def not_opt_outs(found: KnownList) -> KnownList:
    """Return the list.

    Raises:
        ApiError: 400, it is the opt-out list.
    """
    if found.is_opt_outs:
        message = (
            "list_id: an entry of the opt-out list is an opt-out, which is not changed, copied or moved;"
            " DELETE it there with ?reason= where the person may be messaged again"
        )
        raise ApiError(400, "opt_out_list", message, "list_id")
    return found


async def _phone(connection: Connection, account_id: str, given: ContactFields) -> str | None:
    """Return the canonical number; None where none is given.

    Raises:
        ApiError: 400, it is not a phone number.
    """
    text = (given.phone_number or "").strip()
    if not text:
        return None
    try:
        return contact_phone(text, await country_of(connection, account_id))
    except ValueError as error:
        raise ApiError(400, "invalid", f"phone_number: {error}", "phone_number") from None


def _check_reached(phone: str | None, fields: dict[str, Any]) -> None:
    if phone is None and not fields.get("email") and not fields.get("fax_number"):
        message = "phone_number: give a phone number, or an email or a fax_number"
        raise ApiError(400, "invalid", message, "phone_number")
