"""Requests of jobs, paced: an account's import does not make anybody's STOP wait."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from services.optout.api.freshness import Freshness
from services.optout.api.requests import Request, Requests
from shared.errors import TransientError
from shared.partitions import partition_of

AT_ONCE = 150
"""Events of jobs in one part, all of one partition: they are one batch of the pipeline."""
PARTS = 2
"""Parts of all jobs together that are published and not recorded yet: one is decided while the next is published, and
the pipeline has time for everybody else."""
_RECORDED_SECONDS = 60.0


class PacedRequests:
    """A publisher for jobs: what it has published is in the record when it returns."""

    def __init__(self, requests: Requests, freshness: Freshness) -> None:
        self._requests = requests
        self._freshness = freshness
        self._turns = asyncio.Semaphore(PARTS)

    async def publish(self, events: Sequence[Request]) -> None:
        """Publish events in the order of each phone, a part at a time.

        Raises:
            TransientError: Kafka or the pipeline does not take them; those that it took are the same when repeated.
        """
        waiting: defaultdict[int, list[Request]] = defaultdict(list)
        for event in events:
            waiting[partition_of(event.phone, self._requests.partitions)].append(event)
        await asyncio.gather(*(self._in_order(partition, each) for partition, each in waiting.items()))

    async def _in_order(self, partition: int, events: Sequence[Request]) -> None:
        for start in range(0, len(events), AT_ONCE):
            async with self._turns:
                token = await self._requests.publish_in_order(partition, events[start : start + AT_ONCE])
                if not await self._freshness.wait([token], _RECORDED_SECONDS):
                    raise TransientError("the pipeline does not record what was published")
