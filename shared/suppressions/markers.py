"""Fence markers: records on `inbound-messages` that say nothing about a person, and whose place the fence waits for."""

from typing import Any, Protocol
from uuid import uuid4

from shared.events.codec import Headers, cloud_event_headers, encode
from shared.events.inbound import FenceMarkerAppended
from shared.topics import INBOUND_MESSAGES

OFFSET_UNKNOWN = -1
"""The offset of a marker whose send was repeated, where the broker has it and does not know any more where."""


class Appending(Protocol):
    """A producer that appends a record and returns its metadata."""

    async def send_and_wait(
        self, topic: str, value: bytes | None = None, *, partition: int, headers: Headers
    ) -> Any: ...


class Markers:
    """A writer of fence markers.

    Args:
        producer: idempotent, `acks=all`; best of the markers alone, or they queue after other records.
        source: of the CloudEvents headers: who appends.
    """

    def __init__(self, producer: Appending, source: str) -> None:
        self._producer = producer
        self._source = source

    async def append(self, partition: int, *, checkpoint_wanted: bool = False) -> int:
        """Append a marker; return its offset, or `OFFSET_UNKNOWN`.

        Args:
            partition: of `inbound-messages`.
            checkpoint_wanted: asks the opt-out service for a checkpoint of the same partition of `suppressions`.

        Raises:
            KafkaError: or what else the producer raises; the marker may have been appended.
        """
        marker = FenceMarkerAppended(marker_id=uuid4(), checkpoint_wanted=checkpoint_wanted)
        headers = cloud_event_headers(marker, self._source)
        appended = await self._producer.send_and_wait(
            INBOUND_MESSAGES, encode(marker), partition=partition, headers=headers
        )
        return int(appended.offset)
