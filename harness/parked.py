"""The parked records of a Kafka, from the first to the last that is there now."""

from collections.abc import AsyncIterator

from shared.consumer import Polled
from shared.kafka import SEND_SECONDS, connect, new_consumer, stop_quietly, within
from shared.kafka_connection import Kafka
from shared.topics import PARKED_MESSAGES

_FETCH_MS = 1000


async def parked_records(kafka: Kafka) -> AsyncIterator[Polled]:
    """Yield every record of the topic as it is now."""
    consumer = new_consumer(kafka, PARKED_MESSAGES, isolation_level="read_committed", auto_offset_reset="earliest")
    await connect(consumer.start(), kafka)
    try:
        partitions = list(consumer.assignment())
        ends = await within(SEND_SECONDS, consumer.end_offsets(partitions), "asking for the end of parked-messages")
        while [
            p for p in partitions if await within(SEND_SECONDS, consumer.position(p), "asking for a position") < ends[p]
        ]:
            for records in (await consumer.getmany(timeout_ms=_FETCH_MS)).values():
                for record in records:
                    yield record
    finally:
        await stop_quietly(consumer)
