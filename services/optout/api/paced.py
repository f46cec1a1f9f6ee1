"""Requests of jobs, paced: an account's import does not make anybody's STOP wait."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from services.optout.api.freshness import Freshness
from services.optout.api.requests import Request, Requests, Token
from shared.errors import TransientError
from shared.partitions import partition_of

AHEAD = 200
"""Events of jobs, per partition and job, that are published and not recorded yet."""
_AT_ONCE = AHEAD // 2
_RECORDED_SECONDS = 60.0


class PacedRequests:
    """A publisher for jobs: what it has published is in the record when it returns."""

    def __init__(self, requests: Requests, freshness: Freshness) -> None:
        self._requests = requests
        self._freshness = freshness

    async def publish(self, events: Sequence[Request]) -> None:
        """Publish events in the order of each phone; one half of them is recorded while the next is published.

        Raises:
            TransientError: Kafka or the pipeline does not take them; those that it took are the same when repeated.
        """
        waiting: defaultdict[int, list[Request]] = defaultdict(list)
        for event in events:
            waiting[partition_of(event.phone, self._requests.partitions)].append(event)
        await asyncio.gather(*(self._in_order(partition, each) for partition, each in waiting.items()))

    async def _in_order(self, partition: int, events: Sequence[Request]) -> None:
        before: list[Token] = []
        for start in range(0, len(events), _AT_ONCE):
            token = await self._requests.publish_in_order(partition, events[start : start + _AT_ONCE])
            await self._recorded(before)
            before = [token]
        await self._recorded(before)

    async def _recorded(self, tokens: Sequence[Token]) -> None:
        if not await self._freshness.wait(tokens, _RECORDED_SECONDS):
            raise TransientError("the pipeline does not record what was published")
