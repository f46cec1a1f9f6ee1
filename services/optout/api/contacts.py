"""Contacts of a list. Whether one may be sent to is not stored with it: it follows from the suppressions."""

import json
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import (
    MAX_CONTACTS,
    MAX_FIELDS,
    FieldName,
    FieldValue,
    GivenPhone,
    PageLimit,
    RequestBody,
)
from services.optout.api.lists import require_list
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.phones import contact_phone, country_of
from services.optout.api.request_limits import GuardedRoute
from shared.events.base import ListId
from shared.postgres import Connection

# Adds contacts or replaces their fields, all or none; `xmax` is 0 in a row that was inserted.
PUT_CONTACTS = """
INSERT INTO contacts (account_id, list_id, phone, fields)
SELECT $1, $2, phone, fields FROM unnest($3::text[], $4::jsonb[]) AS given (phone, fields) ORDER BY phone
ON CONFLICT (list_id, phone) DO UPDATE SET fields = EXCLUDED.fields
RETURNING xmax = 0 AS added
"""

# A list's contacts after a given phone; the list's own state and the account's both forbid, the harder one shows.
CONTACTS = """
SELECT c.phone, c.fields, CASE
    WHEN 'opted_out' IN (on_list.state, on_account.state) THEN 'opted_out'
    WHEN 'held' IN (on_list.state, on_account.state) THEN 'held'
    ELSE 'active' END AS status
FROM contacts c
LEFT JOIN suppressions on_list
    ON on_list.account_id = $1 AND on_list.phone = c.phone AND on_list.scope = 'list:' || $2::bigint
LEFT JOIN suppressions on_account
    ON on_account.account_id = $1 AND on_account.phone = c.phone AND on_account.scope = 'account'
WHERE c.list_id = $2 AND c.phone > $3 ORDER BY c.phone LIMIT $4
"""

router = APIRouter(route_class=GuardedRoute)


class NewContact(RequestBody):
    phone: GivenPhone
    fields: dict[FieldName, FieldValue] = Field(default_factory=dict, max_length=MAX_FIELDS)


class NewContacts(RequestBody):
    contacts: Annotated[list[NewContact], Field(min_length=1, max_length=MAX_CONTACTS)]


@router.post("/v1/lists/{list_id}/contacts")
async def put_contacts(
    list_id: ListId, new: NewContacts, account_id: CallerAccountId, database: Database
) -> dict[str, Any]:
    """Add contacts, or replace the fields of those that are there; of a phone given twice the last one counts."""
    await require_list(database, account_id, list_id)
    phones = _phones(new, await country_of(database, account_id))
    by_phone = {phone: json.dumps(contact.fields) for phone, contact in zip(phones, new.contacts, strict=True)}
    added = await _put(database, account_id, list_id, by_phone)
    return {"added": added, "updated": len(by_phone) - added}


def _phones(new: NewContacts, country: str | None) -> list[str]:
    phones = []
    for number, contact in enumerate(new.contacts):
        try:
            phones.append(contact_phone(contact.phone, country))
        except ValueError as error:
            field = f"contacts.{number}.phone"
            raise ApiError(422, "invalid", f"{field}: {error}", field) from None
    return phones


async def _put(database: Connection, account_id: str, list_id: int, by_phone: dict[str, str]) -> int:
    rows = await database.fetch(PUT_CONTACTS, account_id, list_id, list(by_phone), list(by_phone.values()))
    return sum(row["added"] for row in rows)


@router.get("/v1/lists/{list_id}/contacts")
async def read_contacts(
    list_id: ListId,
    account_id: CallerAccountId,
    database: Database,
    after: After = None,
    limit: PageLimit = 100,
) -> dict[str, Any]:
    await require_list(database, account_id, list_id)
    (phone,) = keys_after(after, "")
    rows, shown = await fetch_page(database, CONTACTS, account_id, list_id, phone, limit=limit)
    return page("contacts", rows, shown, _shown, "phone")


def _shown(row: Any) -> dict[str, Any]:
    return {"phone": row["phone"], "fields": json.loads(row["fields"]), "status": row["status"]}
