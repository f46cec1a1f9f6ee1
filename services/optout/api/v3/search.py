"""Search for contacts and lists: `/v3/search/contacts-lists`. A whole phone number is looked up; other texts are parts.

A part is looked for in names, addresses and numbers of all contacts, which takes a second per million: one search of an
account runs at a time, and not for long.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator

from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallerAccountId
from services.optout.api.errors import ApiError
from services.optout.api.fields import without_nul
from services.optout.api.known_list import KnownList
from services.optout.api.phones import country_of
from services.optout.api.runtime import ApiRuntime, Runtime
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.models import Answer
from services.optout.api.v3.paging import AskedPage, Page
from services.optout.api.v3.route import V3Route
from services.optout.contact_phone import whole_phone
from shared.postgres import Connection, connection_from

MAX_FOUND = 1_000
_SEARCH_SECONDS = 5.0

_NAME = "concat_ws(' ', nullif(c.fields ->> 'first_name', ''), nullif(c.fields ->> 'last_name', ''))"
_ON_A_LIST = """
c.account_id = $1 AND c.removed_at IS NULL AND l.deleted_at IS NULL AND l.kind <> 'opt_outs' AND NOT EXISTS (
    SELECT FROM suppressions s WHERE s.account_id = $1 AND s.phone = c.phone AND s.state = 'opted_out'
        AND s.scope IN ('account', 'list:' || c.list_id))
"""

# Lists whose name has the text.
LISTS = f"""
SELECT list_id AS id, name, kind FROM contact_lists
WHERE account_id = $1 AND deleted_at IS NULL AND name ILIKE $2 ORDER BY list_id LIMIT {MAX_FOUND}
"""  # noqa: S608 (no value from outside)
# Contacts with the text in their names, organisation or addresses, or in their number.
CONTACTS = f"""
SELECT c.contact_id AS id, {_NAME} AS name, c.phone AS contact
FROM contacts c JOIN contact_lists l ON l.list_id = c.list_id
WHERE {_ON_A_LIST} AND (
    c.phone LIKE $2 OR {_NAME} ILIKE $2 OR c.fields ->> 'email' ILIKE $2 OR c.fields ->> 'organization_name' ILIKE $2)
ORDER BY c.contact_id LIMIT {MAX_FOUND}
"""  # noqa: S608 (no value from outside)
# Contacts with the phone, and its entries on the opt-out list.
CONTACTS_OF_PHONE = f"""
(SELECT c.contact_id AS id, {_NAME} AS name, c.phone AS contact
FROM contacts c JOIN contact_lists l ON l.list_id = c.list_id
WHERE {_ON_A_LIST} AND c.phone = $2 LIMIT {MAX_FOUND})
UNION ALL
(SELECT suppression_id, '', phone FROM suppressions
WHERE account_id = $1 AND phone = $2 AND is_opt_out LIMIT {MAX_FOUND})
ORDER BY id LIMIT {MAX_FOUND}
"""  # noqa: S608 (no value from outside)

router = APIRouter(route_class=V3Route)

SearchText = Annotated[str, Query(min_length=1, max_length=200), AfterValidator(without_nul)]


class FoundEntry(Answer):
    """A contact, with its number in `contact`, or a list, with the number of its members."""

    type: Literal["contact", "list"]
    id: int
    name: str
    contact: str | None = None
    contacts_count: int | None = None


@router.get("/v3/search/contacts-lists")
async def search_contacts_and_lists(
    q: SearchText, account_id: CallerAccountId, runtime: ApiRuntime, asked: AskedPage
) -> Envelope[Page[FoundEntry]]:
    """Find up to 1,000 lists, by a part of their name, and up to 1,000 contacts."""
    async with runtime.list_members.alone(account_id), connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        pattern = f"%{_escaped(q)}%"
        lists = await connection.fetch(LISTS, account_id, pattern)
        phone = whole_phone(q, await country_of(connection, account_id))
        if phone is None:
            contacts = await _containing(connection, account_id, pattern)
        else:
            contacts = await connection.fetch(CONTACTS_OF_PHONE, account_id, phone)
    found = [*lists, *contacts]
    rows = await _shown(runtime, account_id, found[asked.offset : asked.offset + asked.limit])
    return success("Here is what was found.", asked.of(rows, len(found)))


async def _containing(connection: Connection, account_id: str, pattern: str) -> list[Any]:
    try:
        async with asyncio.timeout(_SEARCH_SECONDS):
            return await connection.fetch(CONTACTS, account_id, pattern)
    except TimeoutError:
        message = "q: there are too many contacts to look for a part; search for a whole phone number"
        raise ApiError(400, "too_many", message, "q") from None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def _shown(runtime: Runtime, account_id: str, rows: Sequence[Any]) -> list[FoundEntry]:
    lists = [KnownList(account_id, row["id"], row["name"], row["kind"]) for row in rows if "kind" in row]
    counts = await runtime.list_members.counts(lists)
    return [
        *(
            FoundEntry(type="list", id=each.list_id, name=each.name, contacts_count=count)
            for each, count in zip(lists, counts, strict=True)
        ),
        *(
            FoundEntry(type="contact", id=row["id"], name=row["name"], contact=row["contact"])
            for row in rows
            if "kind" not in row
        ),
    ]
