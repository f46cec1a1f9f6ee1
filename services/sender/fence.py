"""The fence (G1): before a message is decided, every reply that Kafka had by then is decided and in the cache.

A marker is appended to each inbound partition concerned. The opt-out service reads it after all replies before it, and
publishes a watermark that has passed it; with that watermark the cache has all that those replies changed. One marker
serves every batch that began to wait before it was appended.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from services.sender.events import SOURCE
from services.sender.fence_pass import FencePass, boottime
from shared.errors import TransientError
from shared.events.codec import Headers, cloud_event_headers, encode
from shared.events.inbound import FenceMarkerAppended
from shared.kafka import within
from shared.topics import INBOUND_MESSAGES


class Watermarked(Protocol):
    """The progress of the cache: `CacheFollower`."""

    def watermark(self, partition: int) -> int: ...

    async def wait_for_watermark(self, partition: int, next_offset: int) -> None: ...


class Appending(Protocol):
    """A producer that appends a record and returns its metadata."""

    async def send_and_wait(
        self, topic: str, value: bytes | None = None, *, partition: int, headers: Headers
    ) -> Any: ...


class Fence:
    """A fence that many batches can pass with one marker.

    Args:
        producer: idempotent, `acks=all`; best of the fence alone, or its markers queue after other records.
        cache: whose watermarks are waited for.
        deadline_seconds: after which a decision begins again.
    """

    def __init__(self, producer: Appending, cache: Watermarked, deadline_seconds: float) -> None:
        self._producer = producer
        self._cache = cache
        self._deadline_seconds = deadline_seconds
        self._gates: dict[int, _Gate] = {}
        self._waiting: list[float] = []

    def waits_seconds(self) -> float:
        """Return for how long the batch that has waited longest waits; 0: none does."""
        return boottime() - min(self._waiting) if self._waiting else 0.0

    async def wait(self, partitions: Iterable[int]) -> FencePass:
        """Wait until the cache knows everything that these inbound partitions had when this was called.

        Raises:
            TransientError: that takes too long, or Kafka or the cache is unavailable; nothing may be decided.
        """
        # The boot-time clock first: whatever comes between the two makes the decision older, not younger.
        started_boottime, started_at = boottime(), datetime.now(UTC)
        covered = frozenset(partitions)
        waits = asyncio.gather(*(self._gate(partition).wait() for partition in covered))
        self._waiting.append(started_boottime)
        try:
            await within(self._deadline_seconds, waits, "the fence")
        finally:
            self._waiting.remove(started_boottime)
        return FencePass(started_at, started_boottime, covered)

    def _gate(self, partition: int) -> "_Gate":
        if partition not in self._gates:
            self._gates[partition] = _Gate(self._producer, self._cache, partition, self._deadline_seconds)
        return self._gates[partition]


class _Gate:
    """One partition: at most one marker in flight, and one round of those who came too late for it."""

    def __init__(self, producer: Appending, cache: Watermarked, partition: int, deadline: float) -> None:
        self._producer = producer
        self._cache = cache
        self._partition = partition
        self._deadline_seconds = deadline
        self._in_flight: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Wait for a marker that is appended after this call."""
        if self._next is None:
            self._next = asyncio.create_task(self._round(self._in_flight))
        await asyncio.shield(self._next)

    async def _round(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        # From here on the marker is being appended: whoever calls now waits for the next one.
        self._in_flight, self._next = self._next, None
        await within(self._deadline_seconds, self._mark(), f"the fence of partition {self._partition}")

    async def _mark(self) -> None:
        decided = self._cache.watermark(self._partition)
        marker = FenceMarkerAppended(marker_id=uuid4())
        appended = await self._producer.send_and_wait(
            INBOUND_MESSAGES, encode(marker), partition=self._partition, headers=cloud_event_headers(marker, SOURCE)
        )
        if appended.offset < max(decided, 0):
            # A watermark beyond the end would let every marker pass at once. -1 is what aiokafka returns where the
            # broker knows a repeated send but no longer its offset.
            raise TransientError(
                f"{INBOUND_MESSAGES} {self._partition}: the marker is at {appended.offset}, but {decided} was decided"
                " before it was there; has the topic lost records?"
            )
        await self._cache.wait_for_watermark(self._partition, appended.offset + 1)
