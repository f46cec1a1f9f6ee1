"""From a decision to its outcome: claimed in the ledger, announced to Kafka, called while it is fresh, settled.

What a crash leaves between any two of these writes is in docs/architecture/send.md.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from services.sender import metrics
from services.sender.calls import CHUNK_MESSAGES, Chunk, MessageCalls
from services.sender.carriers.carrier import Blocked
from services.sender.gather import gather_all
from services.sender.ledger.model import MessageKey, RowUpdate, key_of, row_of
from services.sender.ledger.owner import Owner
from services.sender.ledger.rows import THROTTLED_FOR, settle, write_rows
from services.sender.report import Reporter
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.failpoints import failpoint
from shared.postgres import Pool, connection_from
from shared.suppressions.fence_pass import FencePass, boottime

VerifySource = Callable[[], Awaitable[None]]
"""Returns once Kafka has said that the topics of the cache are still the same; else raises `TransientError`."""


class Dispatcher:
    """A dispatcher that works on several chunks at once: many calls stay in flight while rows and events go in bulk."""

    def __init__(
        self,
        pool: Pool,
        owner: Owner,
        reporter: Reporter,
        calls: MessageCalls,
        throttled_for: timedelta = THROTTLED_FOR,
    ) -> None:
        self._pool = pool
        self._owner = owner
        self._reporter = reporter
        self.calls = calls
        self._throttled_for = throttled_for
        self._unsettled: list[Chunk] = []

    async def dispatch(
        self,
        requests: Sequence[MessageRequested],
        fence_pass: FencePass,
        verify_source: VerifySource,
        maybe_taken: set[MessageKey] | None = None,
    ) -> list[MessageRequested]:
        """Send what is allowed, once the topics are verified; return what has to be decided again.

        That is: messages whose decision grew too old, whose carrier could not be reached or asked for a pause, and
        those that another process has claimed, or that have an outcome already. `maybe_taken` gets the keys of those
        that the carrier may have taken, also where this raises.

        Raises:
            TransientError: Kafka or Postgres is unavailable, the topics are not the same, all carriers concerned have
                asked for a pause, or this process stops.
        """
        self.calls.expect_callable(requests)
        verified = asyncio.create_task(_error_of(verify_source))
        by_carrier: dict[str, list[MessageRequested]] = defaultdict(list)
        for request in requests:
            by_carrier[self.calls.carrier_of(request)].append(request)
        undone = await gather_all(
            self._chunk(carrier, chunk, fence_pass, verified, set() if maybe_taken is None else maybe_taken)
            for carrier, its in by_carrier.items()
            for chunk in _chunks_of(its)
        )
        return [request for each in undone for request in each]

    async def settle_leftovers(self) -> None:
        """Settle what could not be settled when its results came; nothing may be claimed before.

        If only publishing failed no row changes here, and the outcome is published when the ledger is asked.

        Raises:
            TransientError: it still cannot be.
        """
        while self._unsettled:
            await self._settle(self._unsettled[-1])
            self._unsettled.pop()

    async def give_back(self, requests: Sequence[MessageRequested]) -> None:
        """Give back those of these claimed messages that are claimed for this process although it makes no call.

        Their claim was given up because Postgres took too long, and came through afterwards. Nobody else would end it.
        What another process has claimed stays as it is: `settle` changes only this process's rows. While results of
        calls are not settled, a claim of ours may be one of those.

        Raises:
            TransientError: Postgres is unavailable.
        """
        if self._unsettled:
            return
        async with connection_from(self._pool) as connection:
            await settle(
                connection, self._owner.number, [RowUpdate(key_of(each), "pending", None) for each in requests]
            )

    async def _chunk(
        self,
        carrier: str,
        requests: Sequence[MessageRequested],
        fence_pass: FencePass,
        verified: "asyncio.Task[TransientError | None]",
        maybe_taken: set[MessageKey],
    ) -> list[MessageRequested]:
        async with self.calls.slots[carrier].chunks:
            callable_now = self.calls.callable_now(requests)
            if not callable_now:
                return list(requests)
            if fence_pass.has_expired(boottime()):
                metrics.REDECIDED.inc(len(requests))
                return list(requests)
            chunk = Chunk(callable_now, fence_pass)
            try:
                await self._claim(chunk)
                if fence_pass.has_expired(boottime()):
                    metrics.REDECIDED.inc(len(chunk.requests))
                else:
                    await self._announce(chunk)
                    await _require_verified(verified)
                    await gather_all(self.calls.call(request, chunk) for request in chunk.requests)
                    failpoint("sender.after_carrier_call")
                await self._settle(chunk)
            except BaseException:
                self._unsettled.append(chunk)
                raise
            finally:
                maybe_taken |= chunk.may_have_taken()
            claimed = set(map(key_of, chunk.requests))
            return chunk.without_outcome() + [request for request in requests if key_of(request) not in claimed]

    async def _claim(self, chunk: Chunk) -> None:
        """Write the messages into the ledger; those that another process has are taken out of the chunk."""
        await self._owner.hold()
        rows = [(request, None) for request in chunk.requests]
        async with connection_from(self._pool) as connection:
            written = await write_rows(connection, self._owner.number, "dispatching", rows, chunk.fence_pass.started_at)
        if written.not_ours:
            chunk.requests = [request for request in chunk.requests if key_of(request) not in written.not_ours]
        failpoint("sender.after_claim")

    async def _announce(self, chunk: Chunk) -> None:
        """Announce the messages before the carrier is called, so that no reply can come before its message."""
        if chunk.requests:
            await self._reporter.announce(chunk.requests, chunk.fence_pass.started_at)
        failpoint("sender.after_dispatching_event")

    async def _settle(self, chunk: Chunk) -> None:
        """Write and publish the outcomes of the calls; what was not called is given back."""
        updates = chunk.updates()
        if not updates:
            return
        await self._report_blocks(chunk)
        async with connection_from(self._pool) as connection:
            settled = await settle(connection, self._owner.number, updates, self._throttled_for)
        failpoint("sender.after_settle")
        rows = [
            row_of(request, now.state, now.detail, chunk.fence_pass.started_at, now.changed_at)
            for request, each in zip(chunk.requests, updates, strict=True)
            if (now := settled.get(each.key)) is not None and now.state != "pending"
        ]
        if rows:
            await self._reporter.publish(rows)
        failpoint("sender.after_outcome_event")
        for row in rows:
            metrics.MESSAGES.labels(row.state).inc()

    async def _report_blocks(self, chunk: Chunk) -> None:
        """Publish what the carrier itself blocks, before it is settled: a crash in between loses no opt-out."""
        now = datetime.now(UTC)
        found = [(request, chunk.results.get(key_of(request))) for request in chunk.requests]
        blocks = [
            self.calls.carriers.block_of(request, each, now) for request, each in found if isinstance(each, Blocked)
        ]
        if blocks:
            await self._reporter.report_blocks(blocks)
        failpoint("sender.after_blocks")


async def _error_of(verify_source: VerifySource) -> TransientError | None:
    """Return the error, for all chunks to raise: some may have ended before they ask for it."""
    try:
        await verify_source()
    except TransientError as error:
        return error
    return None


async def _require_verified(verified: "asyncio.Task[TransientError | None]") -> None:
    doubt = await asyncio.shield(verified)
    if doubt is not None:
        raise doubt


def _chunks_of(requests: Sequence[MessageRequested]) -> Iterator[Sequence[MessageRequested]]:
    for begin in range(0, len(requests), CHUNK_MESSAGES):
        yield requests[begin : begin + CHUNK_MESSAGES]
