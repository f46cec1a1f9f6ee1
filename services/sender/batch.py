"""A batch of requested messages, until each of them has a durable fate."""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.sender import metrics
from services.sender.decide import Drop, Repeat, Send, known, query_of, verdict
from services.sender.dispatch import Dispatcher
from services.sender.fence import Fence, Pass
from services.sender.ledger.connection import Pool
from services.sender.ledger.rows import Taken, find, key_of, row_of, suppressed_detail, take
from services.sender.report import Reporter, outcome
from services.sender.suppressions.follow import CacheFollower
from services.sender.suppressions.keys import partition_in
from services.sender.suppressions.lookup import Suppression
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.failpoints import reach

_MAX_ROUNDS = 1_000


class BatchProcessor:
    """Decides batches; may be called again for the same messages, as redelivery does."""

    def __init__(
        self, pool: Pool, fence: Fence, cache: CacheFollower, reporter: Reporter, dispatcher: Dispatcher
    ) -> None:
        self._pool = pool
        self._fence = fence
        self._cache = cache
        self._reporter = reporter
        self._dispatcher = dispatcher

    async def process(self, requests: Sequence[MessageRequested]) -> None:
        """Return when every message is sent, dropped, failed, unknown, or in the hands of another process.

        Raises:
            TransientError: Kafka, the cache or the carrier is away; the rest can be processed again.
        """
        waiting = await self._undecided({key_of(request): request for request in reversed(requests)})
        for _ in range(_MAX_ROUNDS):
            if not waiting:
                return
            before = len(waiting)
            waiting = await self._decide(waiting)
            if len(waiting) == before:
                raise TransientError("no message got through: the carrier cannot be reached, or decisions are too slow")

    async def _undecided(self, requests: dict[tuple[str, str], MessageRequested]) -> list[MessageRequested]:
        """Return the messages that the ledger does not know; tell again what became of those that it does."""
        async with self._pool.acquire() as connection:
            rows = await find(connection, list(requests))
        fates = {key: known(rows.get(key)) for key in requests}
        repeated = [outcome(fate.row) for fate in fates.values() if isinstance(fate, Repeat)]
        if repeated:
            await self._reporter.publish(repeated)
        return [request for key, request in reversed(requests.items()) if fates[key] is None]

    async def _decide(self, requests: list[MessageRequested]) -> list[MessageRequested]:
        reach("sender.before_fence")
        queries = [query_of(request, self._cache.partitions) for request in requests]
        with metrics.FENCE_SECONDS.time():
            decided = await self._fence.pass_({partition_in(key) for _, _, key in queries})
        reach("sender.after_fence")
        verdicts = [verdict(found) for found in self._cache.check(queries)]
        pairs = list(zip(requests, verdicts, strict=True))
        dropped = [(request, each.suppression) for request, each in pairs if isinstance(each, Drop)]
        if dropped:
            await self._drop(dropped, decided)
        return await self._dispatcher.dispatch([request for request, each in pairs if isinstance(each, Send)], decided)

    async def _drop(self, dropped: Sequence[tuple[MessageRequested, Suppression]], decided: Pass) -> None:
        rows: list[Taken] = [(request, "suppressed", suppressed_detail(*found)) for request, found in dropped]
        async with self._pool.acquire() as connection:
            taken = await take(connection, rows, decided.started_at)
        reach("sender.after_drop_rows")
        now = datetime.now(UTC)
        mine = [row_of(*row, decided.started_at, now) for row in rows if key_of(row[0]) in taken]
        if mine:
            await self._reporter.publish([outcome(row) for row in mine])
        reach("sender.after_drop_events")
        metrics.MESSAGES.labels("suppressed").inc(len(mine))
