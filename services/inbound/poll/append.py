"""Appends what was read at a gateway to Kafka: in the partitions where its webhooks' records go."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from aiokafka.errors import KafkaError

from services.inbound.records import PlacedRecord
from shared.errors import TransientError
from shared.kafka import SEND_SECONDS, within
from shared.producer import OutgoingRecord, Producer


async def append(producer: Producer, records: Iterable[PlacedRecord]) -> None:
    """Return when Kafka has all records on all in-sync replicas; those of a partition in their order.

    Raises:
        TransientError: it does not say so in time, or refuses one; it may have some nevertheless.
    """
    placed: dict[tuple[str, int], list[OutgoingRecord]] = defaultdict(list)
    for topic, partition, record in records:
        placed[topic, partition].append(record)
    sends = [_send(producer, place, some) for place, some in placed.items()]
    await asyncio.gather(*sends)


async def _send(producer: Producer, place: tuple[str, int], records: Sequence[OutgoingRecord]) -> None:
    topic, partition = place
    try:
        await within(SEND_SECONDS, producer.send_all(topic, partition, records), f"appending to {topic}")
    except (KafkaError, OSError) as error:
        raise TransientError(f"appending to {topic}: {error!r}") from error
