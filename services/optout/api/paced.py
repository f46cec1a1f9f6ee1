"""Requests of jobs, paced: an account's import does not make anybody's STOP wait."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from math import ceil

from services.optout.api.freshness import Freshness
from services.optout.api.requests import Requests
from services.optout.jobs.job_request import JobRequest
from shared.errors import TransientError
from shared.suppressions.placement import partitions_of

AT_ONCE = 300
"""Requests of jobs in one part, all of one partition: they are one batch of the pipeline. Each batch costs what 100
requests do, and everybody else's messages of the partition wait for it: some 30 ms."""
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

    async def publish(self, requests: Sequence[JobRequest]) -> None:
        """Publish requests in the order of each phone, a part at a time.

        Raises:
            TransientError: Kafka or the pipeline does not take them; those that it took are the same when repeated.
        """
        waiting: defaultdict[int, list[JobRequest]] = defaultdict(list)
        places = partitions_of([each.phone for each in requests], self._requests.partitions)
        for partition, each in zip(places, requests, strict=True):
            waiting[partition].append(each)
        await asyncio.gather(*(self._in_order(partition, each) for partition, each in waiting.items()))

    async def _in_order(self, partition: int, requests: Sequence[JobRequest]) -> None:
        size = ceil(len(requests) / ceil(len(requests) / AT_ONCE))
        for start in range(0, len(requests), size):
            async with self._turns:
                token = await self._requests.publish_in_order(partition, requests[start : start + size])
                if not await self._freshness.wait([token], _RECORDED_SECONDS):
                    raise TransientError("the pipeline does not record what was published")
