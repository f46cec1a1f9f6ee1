"""A batch of requested messages, until each of them has an outcome that is durable and published."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.sender import metrics
from services.sender.decide import Await, Repeat, decide, known, queries_of
from services.sender.dispatch import Dispatcher
from services.sender.drop import Dropper
from services.sender.fence import Fence
from services.sender.fence_pass import boottime
from services.sender.ledger.connection import Pool, session
from services.sender.ledger.model import MessageKey, key_of
from services.sender.ledger.rows import find
from services.sender.pace import Pace
from services.sender.report import Reporter
from services.sender.suppressions.follow import CacheFollower
from services.sender.suppressions.keys import partition_in
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.failpoints import failpoint

Waiting = dict[MessageKey, MessageRequested]
"""Messages without an outcome yet; of several with one id the first counts."""

_LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class BatchProcessor:
    """A processor of batches; it may be called again for the same messages, as redelivery does."""

    pool: Pool
    fence: Fence
    cache: CacheFollower
    reporter: Reporter
    dropper: Dropper
    dispatcher: Dispatcher
    pace: Pace = field(default_factory=Pace)

    async def process(self, waiting: Waiting) -> None:
        """Return when `waiting` is empty; each message is removed as soon as it has its outcome.

        Raises:
            TransientError: Kafka, Postgres, the cache or the carrier is unavailable; call again with what is left.
        """
        await self.dispatcher.settle_leftovers()
        # The ledger is asked only for what cannot be claimed: nearly every id is new.
        undecided = list(waiting.values())
        while waiting:
            before = len(waiting)
            while undecided:
                part, undecided = undecided[: self.pace.at_once], undecided[self.pace.at_once :]
                await self._decide(part, waiting)
            if waiting:
                undecided = await self._known(waiting)
            if undecided and len(waiting) == before:
                raise TransientError("no message got through: the carrier cannot be reached, or decisions are too slow")
            if waiting and not undecided:
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _decide(self, undecided: Sequence[MessageRequested], waiting: Waiting) -> None:
        """Drop or send; remove what then has its outcome from `waiting`."""
        failpoint("sender.before_fence")
        queries = queries_of(undecided, self.cache.partitions)
        with metrics.FENCE_SECONDS.time():
            fenced = await self.fence.wait({partition_in(key) for _, _, key in queries})
        failpoint("sender.after_fence")
        sent, dropped = decide(fenced, undecided, self.cache.check(queries))
        again = await self.dropper.drop(dropped, fenced) if dropped else []
        # Asked while the messages are claimed and announced, and answered before the first of them leaves.
        again += await self.dispatcher.dispatch(sent, fenced, self.cache.confirm) if sent else []
        self.pace.note(len(undecided), len(again) if boottime() >= fenced.begin_by else 0)
        kept = set(map(key_of, again))
        for key in map(key_of, undecided):
            if key not in kept:
                del waiting[key]

    async def _known(self, waiting: Waiting) -> list[MessageRequested]:
        """Return the messages to decide; publish the outcomes of the others again, once they are known."""
        async with session(self.pool) as connection:
            rows = await find(connection, list(waiting))
        found = {key: known(rows.get(key)) for key in waiting}
        repeated = [each.row for each in found.values() if isinstance(each, Repeat)]
        if repeated:
            await self.reporter.publish(repeated)
        for row in repeated:
            del waiting[row.key]
        return [request for key, request in waiting.items() if not isinstance(found[key], Await)]
