"""The members that a list shows, counted and in pages: each page costs the same, however far from the first it is.

Membership is derived from the opt-outs, so nothing stored has the place of a member. An index of a list has the id of
every hundredth one, from which a page is read by id: members who have just left are never shown. The indexes of large
lists are kept for a few seconds, and not made again before ten times as long has passed as that takes.
"""

import asyncio
import time
from array import array
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from services.optout.api.known_list import KnownList
from services.optout.api.opt_out_entries import ENTRIES
from shared.postgres import Connection, Pool, connection_from

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

# Members of account $1, each looked up by itself: the sub-query's own limit keeps Postgres from reading all opt-outs.
_LOOKED_UP = """
contacts c LEFT JOIN LATERAL (
    SELECT true AS has_left FROM suppressions s
    WHERE s.account_id = $1 AND s.phone = c.phone AND s.state = 'opted_out'
        AND s.scope IN ('account', 'list:' || c.list_id) LIMIT 1
) AS opt_out ON true
WHERE c.account_id = $1 AND c.removed_at IS NULL AND has_left IS NULL
"""
CONTACTS = f"""
SELECT c.contact_id, c.phone, c.fields, c.added_at, c.updated_at FROM {_LOOKED_UP}
    AND c.list_id = $2 AND c.updated_at >= $3 AND c.contact_id >= $4
ORDER BY c.contact_id OFFSET $5 LIMIT $6
"""  # noqa: S608 (no value from outside)
OPT_OUTS = f"""
{ENTRIES} AND $2::bigint IS NOT NULL AND s.changed_at >= $3 AND s.suppression_id >= $4
ORDER BY s.suppression_id OFFSET $5 LIMIT $6
"""

_INDEX = f"""
SELECT count(*) AS total, array_agg(id ORDER BY id) FILTER (WHERE number % {STEP} = 1) AS ids
FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM ({{members}}) AS members) AS numbered
"""  # noqa: S608 (no value from outside)
SMALL_INDEX = _INDEX.format(
    members=f"SELECT c.contact_id AS id FROM {_LOOKED_UP} AND c.list_id = $2 AND c.updated_at >= $3"  # noqa: S608
)
LARGE_INDEX = _INDEX.format(members=f"SELECT c.contact_id AS id FROM contacts c WHERE {MEMBER}")  # noqa: S608
OPT_OUTS_INDEX = _INDEX.format(
    members="""SELECT suppression_id AS id FROM suppressions
        WHERE account_id = $1 AND is_opt_out AND changed_at >= $3 AND $2::bigint IS NOT NULL"""
)

# How many contacts each list has with those who have left, counted up to one more than a small list has.
SIZES = f"""
SELECT list_id, (SELECT count(*) FROM (
    SELECT FROM contacts c WHERE c.list_id = asked.list_id AND c.removed_at IS NULL LIMIT {EXACT_MEMBERS + 1}
) AS present) AS size FROM unnest($1::bigint[]) AS asked (list_id)
"""  # noqa: S608 (no value from outside)

# How many members each of several lists has: where they are few, and where the opt-outs are better read once.
FEW_COUNTS = f"""
SELECT c.list_id, count(*) AS total FROM {_LOOKED_UP} AND c.list_id = ANY($2::bigint[]) GROUP BY c.list_id
"""  # noqa: S608 (no value from outside)
MANY_COUNTS = """
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
_BY_HASHES = "SET LOCAL enable_nestloop = off"
"""For queries about many members: just after an import Postgres takes the tables for small."""


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
        if not lists:
            return []
        async with self.alone(lists[0].account_id), self._connected() as connection:
            sizes = await _sizes(connection, [each for each in lists if not each.is_opt_outs])
            small = {list_id: size for list_id, size in sizes.items() if size <= EXACT_MEMBERS}
            query = FEW_COUNTS
            if sum(small.values()) > EXACT_MEMBERS:
                query = MANY_COUNTS
                await connection.execute(_BY_HASHES)
            rows = await connection.fetch(query, lists[0].account_id, list(small))
        exact = dict.fromkeys(small, 0) | {row["list_id"]: row["total"] for row in rows}
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
        async with self._connected() as connection:
            started = time.monotonic()
            query, is_large = OPT_OUTS_INDEX, False
            if not asked.list_.is_opt_outs:
                (size,) = (await _sizes(connection, [asked.list_])).values()
                is_large = size > EXACT_MEMBERS
                query = LARGE_INDEX if is_large else SMALL_INDEX
            if is_large:
                await connection.execute(_BY_HASHES)
            row = await connection.fetchrow(query, *asked.values)
        assert row is not None  # noqa: S101 (a count is a row)
        ended = time.monotonic()
        valid_seconds = max(_LEAST_SECONDS, _TIMES_AS_LONG * (ended - started))
        index = _Index(row["total"], array("q", row["ids"] or ()), ended + valid_seconds)
        if is_large or index.total > EXACT_MEMBERS:
            self._keep(asked, index)
        return index

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        async with connection_from(self._pool, _ACQUIRE_SECONDS) as connection, connection.transaction():
            yield connection

    def _keep(self, asked: AskedMembers, index: _Index) -> None:
        self._kept[asked.values] = index
        self._kept.move_to_end(asked.values)
        if len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)


async def _sizes(connection: Connection, lists: Sequence[KnownList]) -> dict[int, int]:
    rows = await connection.fetch(SIZES, [each.list_id for each in lists])
    return {row["list_id"]: row["size"] for row in rows}
