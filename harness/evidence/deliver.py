"""Delivers anchors to a destination: each at least once, in order, from where the last delivery ended."""

import asyncio
from hashlib import sha256

from aiokafka import TopicPartition

from harness.evidence.anchors import from_delivered, has_read, read_some
from harness.evidence.destinations import Destination
from shared.events.codec import encode
from shared.kafka import SEND_SECONDS, assigned_consumer, within
from shared.settings import KafkaSettings
from shared.topics import EVIDENCE_ANCHORS


def group_of(to: str) -> str:
    """Return the consumer group that remembers what a destination has."""
    return f"operator-evidence-anchors-{sha256(to.encode()).hexdigest()[:12]}"


async def deliver(
    settings: KafkaSettings, destination: Destination, group_id: str | None, every_seconds: float | None
) -> int:
    """Deliver what there is, and go on where `every_seconds` says so; return how many anchors there were.

    Args:
        settings: of Kafka.
        destination: where they go.
        group_id: remembers what was delivered; None: all anchors are delivered.
        every_seconds: None: only what there is now.

    Raises:
        TransientError: Kafka or the destination is unavailable; what is not delivered is delivered next time.
    """
    places = [TopicPartition(EVIDENCE_ANCHORS, number) for number in range(settings.partitions)]
    delivered = 0
    async with assigned_consumer(
        settings.kafka, places, group_id=group_id, isolation_level="read_committed"
    ) as consumer:
        ends = await from_delivered(consumer, places, has_group=group_id is not None)
        while every_seconds is not None or not await has_read(consumer, ends):
            found = await read_some(consumer)
            if found:
                await destination.keep(b"".join(encode(anchor) + b"\n" for anchor in found))
                delivered += len(found)
                if group_id:
                    await within(SEND_SECONDS, consumer.commit(), "noting what was delivered")
            elif every_seconds:
                await asyncio.sleep(every_seconds)
    return delivered
