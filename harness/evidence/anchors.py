"""Reads the anchors of the record from Kafka: all of a partition, or those that a destination does not have yet."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.errors import PoisonError
from shared.event_records import event_of
from shared.events.anchor import AnchorPublished, anchors
from shared.kafka import SEND_SECONDS, assigned_consumer, within
from shared.settings import KafkaSettings
from shared.topics import EVIDENCE_ANCHORS

_FETCH_MS = 1_000
_MOST_AT_ONCE = 10_000
Offsets = dict[TopicPartition, int]


async def read_anchors(settings: KafkaSettings, partition: int) -> AsyncIterator[dict[str, Any]]:
    """Yield the anchors of a partition's chain, oldest first, up to the end as it is now.

    Raises:
        TransientError: Kafka is unavailable.
    """
    place = TopicPartition(EVIDENCE_ANCHORS, partition)
    async with assigned_consumer(settings.kafka, [place], isolation_level="read_committed") as consumer:
        ends = await _from_beginning(consumer, [place])
        while not await has_read(consumer, ends):
            for anchor in await read_some(consumer):
                yield anchor.model_dump(mode="json")


async def _from_beginning(consumer: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> Offsets:
    """Go to the first anchors that there are; return where they end now."""
    begins = await within(SEND_SECONDS, consumer.beginning_offsets(places), "asking where evidence-anchors begins")
    for place in places:
        consumer.seek(place, begins[place])
    ends: Offsets = await within(SEND_SECONDS, consumer.end_offsets(places), "asking for the end of evidence-anchors")
    return ends


async def from_delivered(consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], *, has_group: bool) -> Offsets:
    """Go to the first anchors that the consumer's group does not have; return where they end now."""
    ends = await _from_beginning(consumer, places)
    for place in places if has_group else ():
        offset = await within(SEND_SECONDS, consumer.committed(place), "asking what was delivered")
        if offset is not None:
            consumer.seek(place, offset)
    return ends


async def has_read(consumer: AIOKafkaConsumer, ends: Offsets) -> bool:
    """Say whether the consumer is past all these offsets."""
    positions = [await within(SEND_SECONDS, consumer.position(place), "asking for a position") for place in ends]
    return all(position >= end for position, end in zip(positions, ends.values(), strict=True))


async def read_some(consumer: AIOKafkaConsumer) -> list[AnchorPublished]:
    """Return the next anchors; what is not one, which only the pipeline's right to write can have made, is left out."""
    found: list[AnchorPublished] = []
    for records in (await consumer.getmany(timeout_ms=_FETCH_MS, max_records=_MOST_AT_ONCE)).values():
        for record in records:
            try:
                found.append(event_of(anchors, record))
            except PoisonError:
                continue
    return found
