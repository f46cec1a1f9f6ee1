"""How far each partition of `inbound-messages` is decided, according to the topic, and who waits for more."""

import asyncio
import heapq
import time
from itertools import count

from shared.errors import TransientError


class Watermarks:
    """The watermarks: `advance` wakes those who wait for what is reached; `fail` wakes all with an error."""

    def __init__(self, next_offsets: list[int]) -> None:
        self.next_offsets = next_offsets
        self._read_at = [time.monotonic() for _ in next_offsets]
        self._waiting: list[list[tuple[int, int, asyncio.Future[None]]]] = [[] for _ in next_offsets]
        self._order = count()

    def advance(self, partition: int, next_offset: int) -> None:
        """Note a watermark that was read; the newest counts, also where a replay publishes older ones again."""
        self.next_offsets[partition] = next_offset
        self._read_at[partition] = time.monotonic()
        waiting = self._waiting[partition]
        while waiting and waiting[0][0] <= next_offset:
            future = heapq.heappop(waiting)[2]
            if not future.done():
                future.set_result(None)

    def silent(self, seconds: float) -> list[int]:
        """Return the partitions of which no watermark was read for this long, nor since the start."""
        oldest = time.monotonic() - seconds
        return [partition for partition, read_at in enumerate(self._read_at) if read_at < oldest]

    async def wait_for(self, partition: int, next_offset: int) -> None:
        """Wait until everything below `next_offset` is decided and applied here."""
        if self.next_offsets[partition] >= next_offset:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting[partition], (next_offset, next(self._order), future))
        try:
            await future
        finally:
            if future.cancelled():
                waiting = self._waiting[partition]
                waiting[:] = [each for each in waiting if each[2] is not future]
                heapq.heapify(waiting)

    def fail(self, why: str) -> None:
        """Fail everyone who is waiting; they start over."""
        for waiting in self._waiting:
            for _, _, future in waiting:
                if not future.done():
                    future.set_exception(TransientError(why))
            waiting.clear()
