"""Pages of a list's contacts, all or those that are looked for.

Whether one may be sent to is not stored with it: it follows from the suppressions.
"""

import asyncio
import json
import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator

from services.optout.api.answers import ContactPage
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

# What stops messages of list $2 to a contact, the harder of the list's state and the account's: each is looked up by
# itself, because the sub-query's own limit keeps Postgres from reading all opt-outs for one page.
_COLUMNS = """
SELECT c.contact_id, c.phone, c.fields, coalesce(stop.state, 'active') AS status
FROM {contacts}
LEFT JOIN LATERAL (
    SELECT s.state FROM suppressions s
    WHERE s.account_id = $1 AND s.phone = c.phone AND s.scope IN ('account', 'list:' || $2::bigint)
        AND s.state <> 'opted_in'
    ORDER BY s.state DESC LIMIT 1
) AS stop ON true
WHERE c.list_id = $2 AND c.removed_at IS NULL AND (c.phone, c.contact_id) > ($3, $4)
"""
IN_ORDER = "ORDER BY c.phone, c.contact_id LIMIT ${}"
# Contacts of list $2 after a given phone.
CONTACTS = _COLUMNS.format(contacts="contacts c")
# Those of them with a state: read from the suppressions, which are fewer.
_STOPPED = _COLUMNS.format(
    contacts="""(
        SELECT DISTINCT s.phone FROM suppressions s
        WHERE s.account_id = $1 AND s.state = '{state}' AND s.scope IN ('account', 'list:' || $2::bigint)
            AND s.phone >= $3
    ) AS stopped JOIN contacts c ON c.phone = stopped.phone"""
)
# Those whom nothing stops. The condition is one of its own: of `stop.state IS NULL` Postgres expects a single row, and
# would look up and sort a million contacts for a page.
_ACTIVE = f"""{CONTACTS} AND NOT EXISTS (
    SELECT FROM suppressions s WHERE s.account_id = $1 AND s.phone = c.phone
        AND s.scope IN ('account', 'list:' || $2::bigint) AND s.state <> 'opted_in')
"""
_OF_STATUS = {
    "opted_out": _STOPPED.format(state="opted_out"),
    "held": f"{_STOPPED.format(state='held')} AND stop.state = 'held'",
    "active": _ACTIVE,
}
_IN_GROUPS = re.compile(r"[0-9 ()+./-]*[0-9][0-9 ()+./-]*")
_OF_PHONE = "AND c.phone = $5"
_WITH_PART = """AND (c.phone LIKE $6 OR c.fields ->> 'email' ILIKE $5 OR c.fields ->> 'organization_name' ILIKE $5
    OR concat_ws(' ', c.fields ->> 'first_name', c.fields ->> 'last_name') ILIKE $5)"""

router = APIRouter(route_class=GuardedRoute)

ContactStatus = Literal["active", "opted_out", "held"]
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
    """Read contacts in the order of their phones; a search for a part ends after five seconds."""
    await require_list(database, account_id, list_id)
    values = [account_id, list_id, *keys_after(after, "", 0)]
    parts = [CONTACTS if status is None else _OF_STATUS[status]]
    if q is not None and q.strip():
        condition, *searched = _searched(q.strip(), await country_of(database, account_id))
        parts.append(condition)
        values += searched
    query = " ".join((*parts, IN_ORDER.format(len(values) + 1)))
    rows, shown = await _fetched(database, query, values, limit)
    return page("contacts", rows, shown, _shown, "phone", "contact_id")


def _searched(text: str, country: str | None) -> tuple[str, ...]:
    """Return the condition of a search, and its values; a part of a number may be written in groups."""
    phone = whole_phone(text, country)
    if phone is not None:
        return _OF_PHONE, phone
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    digits = "".join(filter(str.isdecimal, text)) if _IN_GROUPS.fullmatch(text) else escaped
    return _WITH_PART, f"%{escaped}%", f"%{digits}%"


async def _fetched(database: Connection, query: str, values: list[Any], limit: int) -> tuple[list[Any], int]:
    try:
        async with asyncio.timeout(_SEARCH_SECONDS):
            return await fetch_page(database, query, *values, limit=limit)
    except TimeoutError:
        message = "q: there are too many contacts to look for a part; search for a whole phone number"
        raise ApiError(422, "too_many", message, "q") from None


def _shown(row: Any) -> dict[str, Any]:
    return {"phone": row["phone"], "fields": json.loads(row["fields"]), "status": row["status"]}
