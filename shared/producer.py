"""An idempotent Kafka producer that is recreated when it cannot go on.

aiokafka's gives up for good when a record of it was refused or expired: its next sequence number is one that Kafka does
not expect. What a spent producer still holds may arrive later; all that is sent here has a computed id or no effect.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.errors import TransientError
from shared.events.codec import Headers
from shared.kafka import SEND_SECONDS, START_SECONDS, new_producer, stop_quietly, within
from shared.kafka_connection import Kafka
from shared.topics import PARKED_MESSAGES

_SPENT_SECONDS = 3.0


class OutgoingRecord(NamedTuple):
    """A record to be published; its key does not decide its partition."""

    key: bytes | None
    value: bytes | None
    headers: Headers


class Producer:
    """A producer that connects when it is first used.

    `services.inbound.kafka_link.KafkaLink` reconnects too, in the background: it serves webhooks, which cannot wait for
    a connection. The callers here can: they try again later, and this one is replaced at once when a record fails.

    Args:
        kafka: how Kafka is reached.
        options: of aiokafka's producer.
    """

    def __init__(self, kafka: Kafka, **options: Any) -> None:
        self._kafka = kafka
        self._options = options
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._spent: set[asyncio.Task[None]] = set()

    async def send_and_wait(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        *,
        partition: int,
        headers: Headers,
    ) -> Any:
        """Return the metadata of the record once Kafka has acknowledged it.

        Raises:
            KafkaError, TransientError: it has not.
        """
        async with self._using() as producer:
            return await producer.send_and_wait(topic, value, key, partition=partition, headers=headers)

    async def send_all(self, topic: str, partition: int, records: Sequence[OutgoingRecord]) -> None:
        """Return once Kafka has acknowledged all records; raises as `send_and_wait` does."""
        async with self._using() as producer:
            batches = filled_batches(producer, records)
            await asyncio.gather(*[await producer.send_batch(each, topic, partition=partition) for each in batches])

    async def close(self) -> None:
        """Stop what is running, within a deadline."""
        self._discard(self._producer)
        if self._spent:
            await asyncio.wait(self._spent)

    @asynccontextmanager
    async def _using(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = await self._started()
        began = time.monotonic()
        try:
            yield producer
        except KafkaError:
            self._discard(producer)
            raise
        except asyncio.CancelledError:
            if time.monotonic() - began > _SPENT_SECONDS:  # whoever waited gave up
                self._discard(producer)
            raise

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = new_producer(self._kafka, **self._options)
                try:
                    await within(START_SECONDS, producer.start(), "connecting to Kafka")
                except (TransientError, asyncio.CancelledError):
                    self._stop(producer)
                    raise
                self._producer = producer
        return self._producer

    def _discard(self, producer: AIOKafkaProducer | None) -> None:
        if producer is not None and producer is self._producer:
            self._producer = None
            self._stop(producer)

    def _stop(self, producer: AIOKafkaProducer) -> None:
        task = asyncio.create_task(stop_quietly(producer))
        self._spent.add(task)
        task.add_done_callback(self._spent.discard)


async def send_parked(producer: Producer, parked: Iterable[OutgoingRecord]) -> None:
    """Return once Kafka has acknowledged what is parked.

    Raises:
        TransientError: it has not.
    """
    sends = [
        producer.send_and_wait(PARKED_MESSAGES, each.value, each.key, partition=0, headers=each.headers)
        for each in parked
    ]
    await within(SEND_SECONDS, asyncio.gather(*sends), "parking records")


def filled_batches(producer: AIOKafkaProducer, records: Iterable[OutgoingRecord]) -> list[BatchBuilder]:
    """Return the records in batches, each as full as it gets; none where there are no records."""
    batches: list[BatchBuilder] = []
    for key, value, headers in records:
        if not batches or batches[-1].append(key=key, value=value, timestamp=None, headers=headers) is None:
            batches.append(producer.create_batch())
            batches[-1].append(key=key, value=value, timestamp=None, headers=headers)
    return batches
