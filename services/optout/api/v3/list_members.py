"""The members that a list shows, counted and in pages: each page costs the same, however far from the first it is.

Membership is derived from the opt-outs, so nothing stored has the place of a member. An index of a list has the id of
every hundredth one, from which a page is read by id: members who have just left are never shown. The indexes of large
lists are kept for a few seconds, and not made again before ten times as long has passed as that takes.
"""

import asyncio
import time
from array import array
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from services.optout.api.known_list import KnownList
from services.optout.api.opt_out_entries import ENTRIES
from shared.postgres import Pool, connection_from

EXACT_MEMBERS = 10_000
"""Up to this size a list is indexed for each request."""
STEP = 100
_ACQUIRE_SECONDS = 5.0
_LEAST_SECONDS = 2.0
_TIMES_AS_LONG = 10
_MAX_KEPT = 200
_EVER = datetime.fromtimestamp(0, UTC)

# Contact `c` of list $2 of account $1 is on the list, and was changed since $3.
MEMBER = """
c.account_id = $1 AND c.list_id = $2 AND c.removed_at IS NULL AND c.updated_at >= $3 AND NOT EXISTS (
    SELECT FROM suppressions s WHERE s.account_id = $1 AND s.phone = c.phone AND s.state = 'opted_out'
        AND s.scope IN ('account', 'list:' || $2::bigint))
"""

# One page. The sub-query with its own limit is asked for each member in the order of the ids: without it Postgres reads
# all opt-outs for a page.
CONTACTS = """
SELECT c.contact_id, c.phone, c.fields, c.added_at, c.updated_at
FROM contacts c LEFT JOIN LATERAL (
    SELECT true AS has_left FROM suppressions s
    WHERE s.account_id = $1 AND s.phone = c.phone AND s.state = 'opted_out'
        AND s.scope IN ('account', 'list:' || $2::bigint) LIMIT 1
) AS opt_out ON true
WHERE c.account_id = $1 AND c.list_id = $2 AND c.removed_at IS NULL AND c.updated_at >= $3 AND c.contact_id >= $4
    AND has_left IS NULL
ORDER BY c.contact_id OFFSET $5 LIMIT $6
"""
OPT_OUTS = f"""
{ENTRIES} AND $2::bigint IS NOT NULL AND s.changed_at >= $3 AND s.suppression_id >= $4
ORDER BY s.suppression_id OFFSET $5 LIMIT $6
"""

_INDEX = f"""
SELECT count(*) AS total, array_agg(id ORDER BY id) FILTER (WHERE number % {STEP} = 1) AS ids, {{is_large}} AS is_large
FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM ({{members}}) AS members) AS numbered
"""  # noqa: S608 (no value from outside)
CONTACTS_INDEX = _INDEX.format(
    members=f"SELECT c.contact_id AS id FROM contacts c WHERE {MEMBER}",  # noqa: S608 (no value from outside)
    is_large=f"""EXISTS (
        SELECT FROM contacts WHERE list_id = $2 AND removed_at IS NULL OFFSET {EXACT_MEMBERS} LIMIT 1)""",
)
OPT_OUTS_INDEX = _INDEX.format(
    members="""SELECT suppression_id AS id FROM suppressions
        WHERE account_id = $1 AND is_opt_out AND changed_at >= $3""",
    is_large=f"count(*) > {EXACT_MEMBERS} AND $2::bigint IS NOT NULL",
)

# How many members each of several lists has, small ones; the opt-outs of the account are read once.
COUNTS = """
SELECT c.list_id, count(*) AS total FROM contacts c
WHERE c.account_id = $1 AND c.list_id = ANY($2::bigint[]) AND c.removed_at IS NULL
    AND NOT EXISTS (
        SELECT FROM suppressions s WHERE s.account_id = $1 AND s.phone = c.phone AND s.state = 'opted_out'
            AND s.scope = 'account')
    AND NOT EXISTS (
        SELECT FROM suppressions s WHERE s.account_id = $1 AND s.phone = c.phone AND s.state = 'opted_out'
            AND s.scope = 'list:' || c.list_id)
GROUP BY c.list_id
"""
SMALL = f"""
SELECT list_id FROM unnest($1::bigint[]) AS asked (list_id) WHERE NOT EXISTS (
    SELECT FROM contacts c WHERE c.list_id = asked.list_id AND c.removed_at IS NULL OFFSET {EXACT_MEMBERS} LIMIT 1)
"""  # noqa: S608 (no value from outside)


class AskedMembers(NamedTuple):
    """The members of a list that are asked for: those changed since a time, or all."""

    list_: KnownList
    since: datetime = _EVER

    @property
    def values(self) -> tuple[str, int, datetime]:
        return self.list_.account_id, self.list_.list_id, self.since


@dataclass(frozen=True, slots=True)
class _Index:
    total: int
    ids: Sequence[int]
    valid_until: float


class ListMembers:
    """The members of lists, with the indexes of large ones. One index of an account is made at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kept: OrderedDict[Hashable, _Index] = OrderedDict()
        self._looking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def counts(self, lists: Sequence[KnownList]) -> list[int]:
        """Return how many members each of an account's lists has."""
        by_id = [each.list_id for each in lists if not each.is_opt_outs]
        if not lists:
            return []
        async with self.alone(lists[0].account_id), connection_from(self._pool, _ACQUIRE_SECONDS) as connection:
            small = [row["list_id"] for row in await connection.fetch(SMALL, by_id)]
            counted = {
                row["list_id"]: row["total"] for row in await connection.fetch(COUNTS, lists[0].account_id, small)
            }
        exact = {list_id: counted.get(list_id, 0) for list_id in small}
        return [
            exact[each.list_id] if each.list_id in exact else (await self._index(AskedMembers(each))).total
            for each in lists
        ]

    async def page(self, asked: AskedMembers, offset: int, limit: int) -> tuple[list[Any], int]:
        """Return `limit` members from `offset` on, and how many there are."""
        index = await self._index(asked)
        place, skipped = divmod(offset, STEP)
        if place >= len(index.ids):
            return [], index.total
        query = OPT_OUTS if asked.list_.is_opt_outs else CONTACTS
        async with connection_from(self._pool, _ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(query, *asked.values, index.ids[place], skipped, limit)
        return rows, max(index.total, offset + len(rows))

    def alone(self, account_id: str) -> asyncio.Lock:
        """Return what whoever looks at all contacts of an account holds: one at a time."""
        return self._looking.setdefault(account_id, asyncio.Lock())

    async def _index(self, asked: AskedMembers) -> _Index:
        if (kept := self._valid(asked)) is not None:
            return kept
        async with self.alone(asked.list_.account_id):
            return self._valid(asked) or await self._make(asked)

    def _valid(self, asked: AskedMembers) -> _Index | None:
        kept = self._kept.get(asked.values)
        return kept if kept is not None and time.monotonic() < kept.valid_until else None

    async def _make(self, asked: AskedMembers) -> _Index:
        query = OPT_OUTS_INDEX if asked.list_.is_opt_outs else CONTACTS_INDEX
        async with connection_from(self._pool, _ACQUIRE_SECONDS) as connection:
            started = time.monotonic()
            row = await connection.fetchrow(query, *asked.values)
        assert row is not None  # noqa: S101 (a count is a row)
        ended = time.monotonic()
        valid_seconds = max(_LEAST_SECONDS, _TIMES_AS_LONG * (ended - started))
        index = _Index(row["total"], array("q", row["ids"] or ()), ended + valid_seconds)
        if row["is_large"]:
            self._keep(asked, index)
        return index

    def _keep(self, asked: AskedMembers, index: _Index) -> None:
        self._kept[asked.values] = index
        self._kept.move_to_end(asked.values)
        if len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
