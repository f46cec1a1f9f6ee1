"""Requests of jobs, paced: an account's import does not make anybody's STOP wait."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import ceil
from typing import TypeVar

from services.optout.api.freshness import Freshness
from services.optout.api.requests import Requests
from services.optout.jobs.job_request import JobRequest
from services.optout.jobs.publish import RequestOfMany
from shared.errors import TransientError
from shared.events.removals import MAX_PHONES
from shared.suppressions.placement import partitions_of

Thing = TypeVar("Thing")

AT_ONCE = 300
"""Requests of jobs in one part, all of one partition: they are one batch of the pipeline. Each batch costs what 100
requests do, and everybody else's messages of the partition wait for it: some 30 ms."""
MANY_AT_ONCE = MAX_PHONES
"""Recipients of one record for many, of which there is one at a time: it takes about as long as such a part. Of 5,000
lines in six partitions there are some 830 in each."""
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
        self._turn_of_many = asyncio.Semaphore(1)

    async def publish(self, requests: Sequence[JobRequest]) -> None:
        """Publish requests in the order of each phone, a part at a time.

        Raises:
            TransientError: Kafka or the pipeline does not take them; those that it took are the same when repeated.
        """
        placed = self._by_partition([each.phone for each in requests], requests)
        parts = [(partition, parts_of(each, AT_ONCE)) for partition, each in placed]
        await asyncio.gather(*(self._in_order(partition, each, self._turns) for partition, each in parts))

    async def publish_of_many(self, phones: Sequence[str], request_of: RequestOfMany) -> None:
        """Publish requests about many recipients, a record for each part; raises as `publish` does."""
        placed = self._by_partition([phone.encode() for phone in phones], phones)
        for partition, each in placed:
            records = [[request_of(part)] for part in parts_of(each, MANY_AT_ONCE)]
            await self._in_order(partition, records, self._turn_of_many)

    def _by_partition(self, keys: Sequence[bytes], things: Sequence[Thing]) -> Iterable[tuple[int, Sequence[Thing]]]:
        waiting: defaultdict[int, list[Thing]] = defaultdict(list)
        for partition, thing in zip(partitions_of(keys, self._requests.partitions), things, strict=True):
            waiting[partition].append(thing)
        return waiting.items()

    async def _in_order(self, partition: int, parts: Iterable[Sequence[JobRequest]], turns: asyncio.Semaphore) -> None:
        for part in parts:
            async with turns:
                token = await self._requests.publish_in_order(partition, part)
                if not await self._freshness.wait([token], _RECORDED_SECONDS):
                    raise TransientError("the pipeline does not record what was published")


def parts_of(things: Sequence[Thing], limit: int) -> list[Sequence[Thing]]:
    """Return parts of one size, which is not above the limit."""
    size = ceil(len(things) / ceil(len(things) / limit))
    return [things[start : start + size] for start in range(0, len(things), size)]
