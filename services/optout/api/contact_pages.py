"""Pages of a list's contacts, all or those that are looked for.

Whether one may be sent to is not stored with it: it follows from the suppressions.
"""

import asyncio
import json
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

_COLUMNS = """
SELECT c.contact_id, c.phone, c.fields, CASE
    WHEN 'opted_out' IN (on_list.state, on_account.state) THEN 'opted_out'
    WHEN 'held' IN (on_list.state, on_account.state) THEN 'held'
    ELSE 'active' END AS status
FROM {contacts}
LEFT JOIN suppressions on_list
    ON on_list.account_id = $1 AND on_list.phone = c.phone AND on_list.scope = 'list:' || $2::bigint
LEFT JOIN suppressions on_account
    ON on_account.account_id = $1 AND on_account.phone = c.phone AND on_account.scope = 'account'
WHERE c.list_id = $2 AND c.removed_at IS NULL AND (c.phone, c.contact_id) > ($3, $4)
"""
IN_ORDER = "ORDER BY c.phone, c.contact_id LIMIT ${}"
# Contacts of list $2 after a given phone; the list's own state and the account's both forbid, the harder one shows.
CONTACTS = _COLUMNS.format(contacts="contacts c")
# Those of them who get nothing: read from the suppressions, which are fewer.
STOPPED_CONTACTS = _COLUMNS.format(
    contacts="""(
        SELECT DISTINCT s.phone FROM suppressions s
        WHERE s.account_id = $1 AND s.state <> 'opted_in' AND s.scope IN ('account', 'list:' || $2::bigint)
            AND s.phone >= $3
    ) AS stopped JOIN contacts c ON c.phone = stopped.phone"""
)
_HAS_STATUS = {
    "opted_out": "AND 'opted_out' IN (on_list.state, on_account.state)",
    "held": """AND 'held' IN (on_list.state, on_account.state)
        AND 'opted_out' NOT IN (coalesce(on_list.state, ''), coalesce(on_account.state, ''))""",
    "active": """AND coalesce(on_list.state, 'opted_in') = 'opted_in'
        AND coalesce(on_account.state, 'opted_in') = 'opted_in'""",
}
_OF_PHONE = "AND c.phone = $5"
_WITH_PART = """AND (c.phone LIKE $5 OR c.fields ->> 'email' ILIKE $5 OR c.fields ->> 'organization_name' ILIKE $5
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
    parts = [STOPPED_CONTACTS if status in {"opted_out", "held"} else CONTACTS]
    if status is not None:
        parts.append(_HAS_STATUS[status])
    if q is not None and q.strip():
        condition, value = _searched(q.strip(), await country_of(database, account_id))
        parts.append(condition)
        values.append(value)
    query = " ".join((*parts, IN_ORDER.format(len(values) + 1)))
    rows, shown = await _fetched(database, query, values, limit)
    return page("contacts", rows, shown, _shown, "phone", "contact_id")


def _searched(text: str, country: str | None) -> tuple[str, str]:
    """Return the condition of a search, and its value."""
    phone = whole_phone(text, country)
    if phone is not None:
        return _OF_PHONE, phone
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return _WITH_PART, f"%{escaped}%"


async def _fetched(database: Connection, query: str, values: list[Any], limit: int) -> tuple[list[Any], int]:
    try:
        async with asyncio.timeout(_SEARCH_SECONDS):
            return await fetch_page(database, query, *values, limit=limit)
    except TimeoutError:
        message = "q: there are too many contacts to look for a part; search for a whole phone number"
        raise ApiError(422, "too_many", message, "q") from None


def _shown(row: Any) -> dict[str, Any]:
    return {"phone": row["phone"], "fields": json.loads(row["fields"]), "status": row["status"]}
