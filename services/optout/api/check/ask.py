"""Asks the suppression cache through the fence, as the sender does before it calls a carrier."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.optout.api.check.decide import (
    Cause,
    Decision,
    Message,
    PhoneReading,
    decide,
    queries_of,
    readings_of,
    to_look_up,
)
from services.optout.api.requests import Token
from shared.fair_hours.ask import AccountHours, HoursOfAccounts
from shared.fair_hours.sending_hours import OFF
from shared.kafka import within
from shared.postgres import Pool, connection_from
from shared.scopes import list_scope, sender_scope
from shared.suppressions.fence import Fence
from shared.suppressions.fence_pass import FRESH_SECONDS, FencePass, boottime
from shared.suppressions.follow import CacheFollower
from shared.suppressions.lookup import partitions_in
from shared.suppressions.placement import partitions_of

CHECK_SECONDS = 5.0
"""Within which a check is decided, or refused: who waits longer has other messages to send."""

# The account's country, and which of these lists it has; a list that is not of the plain kind shows others' members.
KNOWN = """
SELECT a.country, ARRAY(
    SELECT list_id FROM contact_lists
    WHERE account_id = $1 AND list_id = ANY ($2::bigint[]) AND deleted_at IS NULL AND kind = 'contacts'
) AS plain, ARRAY(
    SELECT list_id FROM contact_lists
    WHERE account_id = $1 AND list_id = ANY ($2::bigint[]) AND deleted_at IS NULL AND kind <> 'contacts'
) AS special
FROM accounts a WHERE a.account_id = $1
"""

# For each number asked about the first suppression that forbids its message; a scope that is NULL counts as any.
FIRST_SUPPRESSIONS = """
SELECT asked.place, found.scope, found.state, found.cause_event_id, found.changed_at
FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS asked (phone, list_scope, sender_scope, place)
CROSS JOIN LATERAL (
    SELECT s.scope, s.state, s.cause_event_id, s.changed_at FROM suppressions s
    WHERE s.account_id = $1 AND s.phone = asked.phone AND s.state IN ('opted_out', 'held') AND NOT (
        s.scope LIKE 'list:%' AND s.scope <> coalesce(asked.list_scope, s.scope)
        OR s.scope LIKE 'sender:%' AND s.scope <> coalesce(asked.sender_scope, s.scope)
    )
    ORDER BY s.scope LIKE 'list:%' DESC, s.scope LIKE 'sender:%', s.scope
    LIMIT 1
) AS found
"""


@dataclass(frozen=True, slots=True)
class Known:
    """An account's country, and which of the lists asked about it has; its default and opt-out list are special."""

    country: str | None
    plain_lists: frozenset[int]
    special_lists: frozenset[int]


@dataclass(frozen=True, slots=True)
class Checked:
    """The decisions about some messages, and the fence that they were decided after."""

    fence_pass: FencePass
    decisions: Sequence[Decision]

    @property
    def decided_at(self) -> datetime:
        return self.fence_pass.started_at

    @property
    def fresh_until(self) -> datetime:
        """The time at which a message may last leave on them (G1)."""
        return self.fence_pass.started_at + timedelta(seconds=FRESH_SECONDS)

    def token(self, partition: int) -> Token:
        """Return the place of the partition's marker: everything before it is in the decisions."""
        return Token(partition, self.fence_pass.markers[partition])


class Checks:
    """The part of the API that decides messages which others send.

    Args:
        pool: of the decision log.
        fence: with a marker producer of its own.
        cache: of all suppressions.
    """

    def __init__(self, pool: Pool, fence: Fence, cache: CacheFollower) -> None:
        self._pool = pool
        self._fence = fence
        self._cache = cache
        self._hours = HoursOfAccounts()

    async def known(self, account_id: str, list_ids: Iterable[int]) -> Known:
        """Return what the decision log has of the account and these lists."""
        async with connection_from(self._pool) as connection:
            row = await connection.fetchrow(KNOWN, account_id, list(set(list_ids)))
        if row is None:
            return Known(None, frozenset(), frozenset())
        return Known(row["country"], frozenset(row["plain"]), frozenset(row["special"]))

    def hours_of(self, account_id: str) -> AccountHours:
        """Return the account's sending hours as the cache has them: early, since no fence covers them.

        Raises:
            TransientError: the cache is in doubt.
        """
        published = self._cache.likely_account_settings([account_id])[account_id].published
        own_hours = None if published is None else published.sending_hours
        return self._hours.of(account_id, OFF if own_hours is None else own_hours)

    async def check(
        self, account_id: str, reading: Awaitable[Sequence[Message]], phones: Sequence[str] = ()
    ) -> Checked:
        """Decide messages from everything that Kafka had when this was called.

        Args:
            account_id: whose messages they are.
            reading: returns the messages; the fence is passed meanwhile.
            phones: which are among their recipients for sure, in E.164.

        Raises:
            TransientError: Kafka, Postgres or the cache is unavailable, or too slow: nothing may be sent.
        """
        return await within(CHECK_SECONDS, self._until_fresh(account_id, reading, phones), "the check")

    async def _until_fresh(
        self, account_id: str, reading: Awaitable[Sequence[Message]], phones: Sequence[str]
    ) -> Checked:
        early = partitions_of([phone.encode() for phone in phones], self._cache.partitions)
        fence_pass, messages = await asyncio.gather(self._fence.wait(set(early)), reading)
        readings = readings_of(messages, self._cache.partitions)
        queries = queries_of(account_id, messages, readings)
        while True:
            if not partitions_in(queries) <= fence_pass.partitions or fence_pass.has_expired(boottime()):
                fence_pass = await self._fence.wait(partitions_in(queries))
            checked = self._cache.check(fence_pass, queries)
            logged = await self._from_log(account_id, messages, to_look_up(messages, readings, checked.hits))
            # As the sender before it calls: the topics are still those that the cache was read from.
            await self._cache.verify_source(checked)
            if not fence_pass.has_expired(boottime()):
                return Checked(fence_pass, decide(messages, readings, checked.hits, logged))

    async def _from_log(
        self, account_id: str, messages: Sequence[Message], wanted: Sequence[PhoneReading]
    ) -> dict[PhoneReading, Cause]:
        if not wanted:
            return {}
        phones = [reading.phone for reading in wanted]
        lists = [_list_scope(messages[reading.number].list_id) for reading in wanted]
        numbers = [_sender_scope(messages[reading.number].sender_number) for reading in wanted]
        async with connection_from(self._pool) as connection:
            rows = await connection.fetch(FIRST_SUPPRESSIONS, account_id, phones, lists, numbers)
        return {wanted[place - 1]: Cause(*suppression) for place, *suppression in rows}


def _list_scope(list_id: int | None) -> str | None:
    return None if list_id is None else list_scope(list_id)


def _sender_scope(sender_number: str | None) -> str | None:
    return None if sender_number is None else sender_scope(sender_number)
