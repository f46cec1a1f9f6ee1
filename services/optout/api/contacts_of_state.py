"""A list's contacts who have one state, page by page, in steps that are short whatever the list is like.

Where nearly everybody has opted out, a page of those who have not would be long in coming: a page ends after some
steps, and may then be shorter than asked for, or empty. Its `next` goes on where it ended.
"""

from dataclasses import dataclass
from typing import Any, Literal

from services.optout.api.fields import MAX_ID
from services.optout.api.pages import Key, cursor, fetch_page
from shared.postgres import Connection
from shared.scopes import ACCOUNT, list_scope

ContactStatus = Literal["active", "opted_out", "held"]

_STEP = 2_000
"""Contacts of a step, or suppressions of each scope: few enough for any plan that Postgres may choose."""
_STEPS = 5

# What stops messages of list $2 to a contact, the harder of the list's state and the account's: each is looked up by
# itself, because the sub-query's own limit keeps Postgres from reading all opt-outs for one page.
_COLUMNS = """
SELECT {distinct} c.contact_id, c.phone, c.fields, coalesce(stop.state, 'active') AS status
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
CONTACTS = _COLUMNS.format(distinct="", contacts="contacts c")
IN_STATE = {
    "active": "AND stop.state IS NULL",
    "opted_out": "AND stop.state = 'opted_out'",
    "held": "AND stop.state = 'held'",
}
# Those whom something stops, up to phone $5: read from the suppressions, which are fewer. OFFSET 0 has each of these
# look its contacts up: of a hash of all contacts, Postgres would expect to be faster where it has no statistics.
_STOPPED = _COLUMNS.format(
    distinct="DISTINCT ON (c.phone, c.contact_id)",
    contacts="""(
        SELECT s.phone FROM suppressions s WHERE s.account_id = $1 AND s.scope IN ('account', 'list:' || $2::bigint)
            AND {which} AND s.phone >= $3 AND ($5::text IS NULL OR s.phone <= $5)
    ) AS stopped CROSS JOIN LATERAL (
        SELECT * FROM contacts WHERE list_id = $2 AND phone = stopped.phone AND removed_at IS NULL OFFSET 0
    ) AS c""",
)
_WHICH = {"opted_out": "s.state <> 'opted_in'", "held": "s.state = 'held'"}

# A step of contacts who may have no state; its limit has Postgres read them in their order, without statistics too.
_ACTIVE = _COLUMNS.format(
    distinct="",
    contacts="""(
        SELECT * FROM contacts WHERE list_id = $2 AND removed_at IS NULL AND (phone, contact_id) > ($3, $4)
        ORDER BY phone, contact_id LIMIT {limit}
    ) AS c""",
).format(limit=_STEP)
# The last contact of a step, and the phone at which a step of suppressions ends; none where it has all the rest.
_LAST_CONTACT = f"""
SELECT phone, contact_id FROM contacts
WHERE list_id = $1 AND removed_at IS NULL AND (phone, contact_id) > ($2, $3)
ORDER BY phone, contact_id OFFSET {_STEP - 1} LIMIT 1
"""  # noqa: S608 (our own number)
_LAST_STOPPED = f"""
SELECT s.phone FROM suppressions s WHERE s.account_id = $1 AND s.scope = $2 AND {{which}} AND s.phone >= $3
ORDER BY s.phone OFFSET {_STEP} LIMIT 1
"""  # noqa: S608 (our own number)


@dataclass(frozen=True, slots=True)
class FoundContacts:
    """A page's rows, how many of them it shows, and where the next page goes on if it has fewer than it may have."""

    rows: list[Any]
    shown: int
    next: str | None = None


@dataclass(frozen=True, slots=True)
class ListOfState:
    """The contacts of an account's list who have one state."""

    database: Connection
    account_id: str
    list_id: int
    status: ContactStatus

    async def page(self, phone: Key, contact_id: Key, limit: int) -> FoundContacts:
        """Return those after a contact, in the order of their phones; of the first step that has any."""
        found = FoundContacts([], limit)
        for _ in range(_STEPS):
            async with self.database.transaction(isolation="repeatable_read", readonly=True):
                last = await self._last(phone, contact_id)
                found = await self._step(phone, contact_id, last, limit)
            if last is None or len(found.rows) > found.shown:
                return found
            phone, contact_id = last
            if found.rows:
                break
        return FoundContacts(found.rows, found.shown, cursor(phone, contact_id))

    async def _step(self, phone: Key, contact_id: Key, last: tuple[str, int] | None, limit: int) -> FoundContacts:
        values: list[Any] = [self.account_id, self.list_id, phone, contact_id]
        source = _ACTIVE
        if self.status != "active":
            source = _STOPPED.format(which=_WHICH[self.status])
            values.append(None if last is None else last[0])
        query = f"{source} {IN_STATE[self.status]} {IN_ORDER.format(len(values) + 1)}"
        return FoundContacts(*await fetch_page(self.database, query, *values, limit=limit))

    async def _last(self, phone: Key, contact_id: Key) -> tuple[str, int] | None:
        if self.status == "active":
            row: Any = await self.database.fetchrow(_LAST_CONTACT, self.list_id, phone, contact_id)
            return None if row is None else (row["phone"], row["contact_id"])
        query = _LAST_STOPPED.format(which=_WHICH[self.status])
        scopes = ACCOUNT, list_scope(self.list_id)
        lasts = [await self.database.fetchval(query, self.account_id, scope, phone) for scope in scopes]
        return min(((each, MAX_ID) for each in lasts if each is not None), default=None)
