"""Pages of a list's contacts, all or those that are looked for.

Whether one may be sent to is not stored with it: it follows from the suppressions.
"""

import asyncio
import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator

from services.optout.api.answers import ContactPage
from services.optout.api.contacts_of_state import (
    CONTACTS,
    IN_ORDER,
    IN_STATE,
    ContactStatus,
    FoundContacts,
    ListOfState,
)
from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.errors import ApiError
from services.optout.api.fields import PageLimit, without_nul
from services.optout.api.known_list import require_list
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.phones import country_of
from services.optout.api.request_limits import GuardedRoute
from services.optout.contact_phone import whole_phone
from shared.events.base import ListId
from shared.postgres import Connection

_SEARCH_SECONDS = 5.0

_IN_GROUPS = re.compile(r"[0-9 ()+./-]*[0-9][0-9 ()+./-]*")
_OF_PHONE = "AND c.phone = $5"
_WITH_PART = """AND (c.phone LIKE $6 OR c.fields ->> 'email' ILIKE $5 OR c.fields ->> 'organization_name' ILIKE $5
    OR concat_ws(' ', c.fields ->> 'first_name', c.fields ->> 'last_name') ILIKE $5)"""

router = APIRouter(route_class=GuardedRoute)

SearchedText = Annotated[
    str | None,
    Query(
        max_length=200, description="A phone number, or a part of one, of a name, an e-mail address, an organization."
    ),
    AfterValidator(lambda text: None if text is None else without_nul(text)),
]


@router.get("/v1/lists/{list_id}/contacts", dependencies=[Fresh], response_model=ContactPage)
async def read_contacts(  # noqa: PLR0913, PLR0917 (FastAPI's parameters)
    list_id: ListId,
    account_id: CallerAccountId,
    database: Database,
    q: SearchedText = None,
    status: Annotated[ContactStatus | None, Query()] = None,
    after: After = None,
    limit: PageLimit = 100,
) -> dict[str, Any]:
    """Read contacts in the order of their phones; a search for a part ends after five seconds.

    A page of one `status` may be shorter than `limit`, or empty, and have a `next` all the same: read on until that
    is null.
    """
    await require_list(database, account_id, list_id)
    phone, contact_id = keys_after(after, "", 0)
    text = "" if q is None else q.strip()
    if status is not None and not text:
        found = await ListOfState(database, account_id, list_id, status).page(phone, contact_id, limit)
    else:
        values = [account_id, list_id, phone, contact_id]
        condition, *searched = _searched(text, await country_of(database, account_id)) if text else ("",)
        values += searched
        state = "" if status is None else IN_STATE[status]
        query = " ".join((CONTACTS, condition, state, IN_ORDER.format(len(values) + 1)))
        found = await _fetched(database, query, values, limit)
    shown = page("contacts", found.rows, found.shown, _shown, "phone", "contact_id")
    return shown if found.next is None else {**shown, "next": found.next}


def _searched(text: str, country: str | None) -> tuple[str, ...]:
    """Return the condition of a search, and its values; a part of a number may be written in groups."""
    phone = whole_phone(text, country)
    if phone is not None:
        return _OF_PHONE, phone
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    digits = "".join(filter(str.isdecimal, text)) if _IN_GROUPS.fullmatch(text) else escaped
    return _WITH_PART, f"%{escaped}%", f"%{digits}%"


async def _fetched(database: Connection, query: str, values: list[Any], limit: int) -> FoundContacts:
    try:
        async with asyncio.timeout(_SEARCH_SECONDS):
            return FoundContacts(*await fetch_page(database, query, *values, limit=limit))
    except TimeoutError:
        message = "q: there are too many contacts to look for a part; search for a whole phone number"
        raise ApiError(422, "too_many", message, "q") from None


def _shown(row: Any) -> dict[str, Any]:
    return {"phone": row["phone"], "fields": json.loads(row["fields"]), "status": row["status"]}
