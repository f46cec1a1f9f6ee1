"""Contacts that are added to a list, or get other fields."""

import json
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from services.optout.api.answers import PutContacts
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import (
    MAX_CONTACTS,
    MAX_FIELDS,
    FieldName,
    FieldValue,
    GivenPhone,
    RequestBody,
)
from services.optout.api.known_list import require_list
from services.optout.api.phones import country_of
from services.optout.api.request_limits import GuardedRoute
from services.optout.contact_phone import contact_phone
from shared.events.base import ListId
from shared.postgres import Connection

# Replaces the fields of contacts that the list has, and returns their phones.
REPLACE_FIELDS = """
UPDATE contacts c SET fields = given.fields, updated_at = now()
FROM unnest($3::text[], $4::jsonb[]) AS given (phone, fields)
WHERE c.account_id = $1 AND c.list_id = $2 AND c.phone = given.phone AND c.removed_at IS NULL
RETURNING c.phone
"""

ADD_CONTACTS = """
INSERT INTO contacts (account_id, list_id, phone, fields)
SELECT $1, $2, phone, fields FROM unnest($3::text[], $4::jsonb[]) AS given (phone, fields) ORDER BY phone
"""

# Locks the list against others who add to it, so that nobody adds the same contact at the same time.
LOCK_LIST = "SELECT FROM contact_lists WHERE list_id = $1 FOR NO KEY UPDATE"

router = APIRouter(route_class=GuardedRoute)


class NewContact(RequestBody):
    phone: GivenPhone
    fields: dict[FieldName, FieldValue] = Field(default_factory=dict, max_length=MAX_FIELDS)


class NewContacts(RequestBody):
    contacts: Annotated[list[NewContact], Field(min_length=1, max_length=MAX_CONTACTS)]


@router.post("/v1/lists/{list_id}/contacts", response_model=PutContacts)
async def put_contacts(
    list_id: ListId, new: NewContacts, account_id: CallerAccountId, database: Database
) -> dict[str, Any]:
    """Add contacts, or replace the fields of those that are there; of a phone given twice the last one counts."""
    if (await require_list(database, account_id, list_id)).is_opt_outs:
        message = (
            "list_id: this is the opt-out list, which has opt-outs instead of contacts; POST /v1/opt-outs adds one"
        )
        raise ApiError(422, "invalid", message, "list_id")
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
    async with database.transaction():
        await database.execute(LOCK_LIST, list_id)
        rows = await database.fetch(REPLACE_FIELDS, account_id, list_id, list(by_phone), list(by_phone.values()))
        present = {row["phone"] for row in rows}
        new = {phone: fields for phone, fields in by_phone.items() if phone not in present}
        await database.execute(ADD_CONTACTS, account_id, list_id, list(new), list(new.values()))
    return len(new)
