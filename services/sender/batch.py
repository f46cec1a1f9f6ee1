"""A batch of requested messages, until each of them has a fate that is durable and told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.sender import metrics
from services.sender.decide import Await, Drop, Repeat, Send, known, query_of, verdict
from services.sender.dispatch import Dispatcher
from services.sender.fence import Fence, Pass
from services.sender.ledger.connection import Pool, session
from services.sender.ledger.owner import Owner
from services.sender.ledger.rows import MessageKey, Taken, find, key_of, row_of, suppressed_detail, take
from services.sender.report import Reporter, outcome
from services.sender.suppressions.follow import CacheFollower
from services.sender.suppressions.keys import partition_in
from services.sender.suppressions.lookup import Suppression
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.failpoints import reach

Waiting = dict[MessageKey, MessageRequested]
"""Messages without a fate yet; of several with one id the first counts."""

_LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class BatchProcessor:
    """Decides batches; may be called again for the same messages, as redelivery does."""

    pool: Pool
    owner: Owner
    fence: Fence
    cache: CacheFollower
    reporter: Reporter
    dispatcher: Dispatcher

    async def process(self, waiting: Waiting) -> None:
        """Return when `waiting` is empty; what has its fate is taken out of it at once.

        Raises:
            TransientError: Kafka, Postgres, the cache or the carrier is away; call again with what is left.
        """
        await self.dispatcher.settle_leftovers()
        while waiting:
            undecided = await self._known(waiting)
            if not undecided:
                await asyncio.sleep(_LOOK_AGAIN_SECONDS if waiting else 0)
                continue
            again = {key_of(request) for request in await self._decide(undecided)}
            for request in undecided:
                if key_of(request) not in again:
                    del waiting[key_of(request)]
            if len(again) == len(undecided):
                raise TransientError("no message got through: the carrier cannot be reached, or decisions are too slow")

    async def _known(self, waiting: Waiting) -> list[MessageRequested]:
        """Return the messages to decide; tell again what became of the others, once that is known."""
        async with session(self.pool) as connection:
            rows = await find(connection, list(waiting))
        fates = {key: known(rows.get(key)) for key in waiting}
        repeated = [fate.row for fate in fates.values() if isinstance(fate, Repeat)]
        if repeated:
            await self.reporter.publish(map(outcome, repeated))
        for row in repeated:
            del waiting[row.key]
        return [request for key, request in waiting.items() if not isinstance(fates[key], Await)]

    async def _decide(self, requests: Sequence[MessageRequested]) -> list[MessageRequested]:
        """Drop or send; return what has to be decided again."""
        reach("sender.before_fence")
        queries = [query_of(request, self.cache.partitions) for request in requests]
        with metrics.FENCE_SECONDS.time():
            decided = await self.fence.pass_({partition_in(key) for _, _, key in queries})
        reach("sender.after_fence")
        verdicts = [verdict(found) for found in self.cache.check(queries)]
        pairs = list(zip(requests, verdicts, strict=True))
        dropped = [(request, each.suppression) for request, each in pairs if isinstance(each, Drop)]
        undone = await self._drop(dropped, decided) if dropped else []
        sent = [request for request, each in pairs if isinstance(each, Send)]
        return undone + (await self.dispatcher.dispatch(sent, decided) if sent else [])

    async def _drop(
        self, dropped: Sequence[tuple[MessageRequested, Suppression]], decided: Pass
    ) -> list[MessageRequested]:
        """Return what another process has taken meanwhile."""
        rows: list[Taken] = [(request, "suppressed", suppressed_detail(*found)) for request, found in dropped]
        async with session(self.pool) as connection:
            taken = await take(connection, self.owner.number, rows, decided.started_at)
        reach("sender.after_drop_rows")
        mine = [row for row in rows if key_of(row[0]) in taken]
        if mine:
            told = (row_of(*row, decided.started_at, taken[key_of(row[0])]) for row in mine)
            await self.reporter.publish(map(outcome, told))
        reach("sender.after_drop_events")
        metrics.MESSAGES.labels("suppressed").inc(len(mine))
        return [request for request, _ in dropped if key_of(request) not in taken]
