"""Requests of jobs, paced: an account's import does not make anybody's STOP wait."""

from collections import defaultdict, deque
from collections.abc import Sequence

from services.optout.api.errors import ApiError
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
        waiting: defaultdict[int, deque[Request]] = defaultdict(deque)
        for event in events:
            waiting[partition_of(event.phone, self._requests.partitions)].append(event)
        before: list[Token] = []
        while any(waiting.values()):
            some = [each.popleft() for each in waiting.values() for _ in range(min(_AT_ONCE, len(each)))]
            tokens = await self._publish(some)
            await self._recorded(before)
            before = tokens
        await self._recorded(before)

    async def _publish(self, events: Sequence[Request]) -> list[Token]:
        try:
            return await self._requests.publish_all(events)
        except ApiError as error:
            raise TransientError(error.detail) from None

    async def _recorded(self, tokens: Sequence[Token]) -> None:
        if not await self._freshness.wait(tokens, _RECORDED_SECONDS):
            raise TransientError("the pipeline does not record what was published")
