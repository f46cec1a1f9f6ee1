"""The fence (G1): before a message is decided, every reply that Kafka had by then is decided and in the cache.

A marker is appended to each inbound partition concerned. The opt-out service reads it after all replies before it, and
publishes a watermark that has passed it; with that watermark the cache has all that those replies changed. One marker
serves everyone who began to wait before it was appended, such as many checks by the API.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

from shared.errors import TransientError
from shared.kafka import within
from shared.suppressions.fence_pass import FencePass, boottime
from shared.suppressions.markers import OFFSET_UNKNOWN, Markers
from shared.topics import INBOUND_MESSAGES


class Watermarked(Protocol):
    """The progress of the cache: `CacheFollower`."""

    def watermark(self, partition: int) -> int: ...

    async def wait_for_watermark(self, partition: int, next_offset: int) -> None: ...


class Fence:
    """A fence that many can pass with one marker.

    Args:
        markers: appends them.
        cache: whose watermarks are waited for.
        deadline_seconds: after which a decision begins again.
    """

    def __init__(self, markers: Markers, cache: Watermarked, deadline_seconds: float) -> None:
        self._markers = markers
        self._cache = cache
        self._deadline_seconds = deadline_seconds
        self._fences: dict[int, _PartitionFence] = {}
        self._waiting: list[float] = []

    def waits_seconds(self) -> float:
        """Return for how long whoever has waited longest waits; 0: nobody does."""
        return boottime() - min(self._waiting) if self._waiting else 0.0

    async def wait(self, partitions: Iterable[int]) -> FencePass:
        """Wait until the cache knows everything that these inbound partitions had when this was called.

        Raises:
            TransientError: that takes too long, or Kafka or the cache is unavailable; nothing may be decided.
        """
        # The boot-time clock first: whatever comes between the two makes the decision older, not younger.
        started_boottime, started_at = boottime(), datetime.now(UTC)
        covered = list(frozenset(partitions))
        waits = asyncio.gather(*(self._fence_of(partition).wait() for partition in covered))
        self._waiting.append(started_boottime)
        try:
            offsets = await within(self._deadline_seconds, waits, "the fence")
        finally:
            self._waiting.remove(started_boottime)
        return FencePass(started_at, started_boottime, dict(zip(covered, offsets, strict=True)))

    def _fence_of(self, partition: int) -> "_PartitionFence":
        if partition not in self._fences:
            self._fences[partition] = _PartitionFence(self._markers, self._cache, partition, self._deadline_seconds)
        return self._fences[partition]


class _PartitionFence:
    """One partition: at most one marker in flight, and one round of those who came too late for it."""

    def __init__(self, markers: Markers, cache: Watermarked, partition: int, deadline: float) -> None:
        self._markers = markers
        self._cache = cache
        self._partition = partition
        self._deadline_seconds = deadline
        self._in_flight: asyncio.Task[int] | None = None
        self._next: asyncio.Task[int] | None = None

    async def wait(self) -> int:
        """Wait for a marker that is appended after this call; return its offset."""
        if self._next is None:
            self._next = asyncio.create_task(self._round(self._in_flight))
            self._next.add_done_callback(_note_error)
        return await asyncio.shield(self._next)

    async def _round(self, before: "asyncio.Task[int] | None") -> int:
        if before is not None:
            await asyncio.wait([before])
        # From here on the marker is being appended: whoever calls now waits for the next one.
        self._in_flight, self._next = self._next, None
        return await within(self._deadline_seconds, self._mark(), f"the fence of partition {self._partition}")

    async def _mark(self) -> int:
        watermark = self._cache.watermark(self._partition)
        offset = await self._markers.append(self._partition)
        if offset == OFFSET_UNKNOWN:
            raise TransientError(f"{INBOUND_MESSAGES} {self._partition}: Kafka does not say where the marker is")
        if offset < watermark:
            # A watermark beyond the end would let every marker pass at once.
            raise TransientError(
                f"{INBOUND_MESSAGES} {self._partition}: the marker is at {offset}, but {watermark} was decided"
                " before it was there; has the topic lost records?"
            )
        await self._cache.wait_for_watermark(self._partition, offset + 1)
        return offset


def _note_error(ended: "asyncio.Task[int]") -> None:
    """Take the error of a round that nobody waits for any more: asyncio would log it as one that was overlooked."""
    if not ended.cancelled():
        ended.exception()
