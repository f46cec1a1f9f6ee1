"""Idempotent Kafka producers that are replaced when they cannot go on.

aiokafka's producer gives up for good when one of its records was refused or expired: Kafka does not expect its next
sequence number. What a spent producer still holds may arrive later; all that is sent here has a computed id or no
effect.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from shared import tracing
from shared.events.codec import Headers
from shared.kafka import SEND_SECONDS, START_SECONDS, STOP_SECONDS, new_producer, stop_quietly, within
from shared.kafka_connection import Kafka
from shared.topics import PARKED_MESSAGES

_SPENT_SECONDS = 3.0
_CLOSE_SECONDS = STOP_SECONDS + 1.0


class OutgoingRecord(NamedTuple):
    """A record to be published; its key does not decide its partition."""

    key: bytes | None
    value: bytes | None
    headers: Headers

    def with_headers(self, more: Headers) -> "OutgoingRecord":
        return self._replace(headers=[*self.headers, *more]) if more else self


class ProducerConnection:
    """A connection for producing whose producer can be replaced; the old ones are stopped beside it.

    When to replace it is decided by its users: `Producer`, whose callers can wait for a connection, and
    `services.inbound.kafka_link.KafkaLink`, which serves webhooks and reconnects in the background.

    Args:
        kafka: how Kafka is reached.
        stop: stops a producer that was replaced; it may take its time.
        options: of aiokafka's producer.
    """

    def __init__(
        self, kafka: Kafka, stop: Callable[[AIOKafkaProducer], Coroutine[Any, Any, None]], **options: Any
    ) -> None:
        self.current: AIOKafkaProducer | None = None
        self._kafka = kafka
        self._options = options
        self._stop = stop
        self._aside: set[asyncio.Task[None]] = set()

    async def open(
        self, seconds: float, start: Callable[[AIOKafkaProducer], Coroutine[Any, Any, None]]
    ) -> AIOKafkaProducer:
        """Replace the producer with a new one, once that has started, and return it.

        Raises:
            TransientError: it did not start within `seconds`; the old one is still there.
        """
        producer = new_producer(self._kafka, **self._options)
        try:
            await within(seconds, start(producer), "connecting to Kafka")
        except BaseException:
            self.run_aside(stop_quietly(producer))
            raise
        self.replace_with(producer)
        return producer

    def replace_with(self, producer: AIOKafkaProducer | None) -> None:
        """Use `producer` from now on; None: there is no connection."""
        old, self.current = self.current, producer
        if old is not None:
            self.run_aside(self._stop(old))

    def run_aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until it ends or the connection is closed."""
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def close(self, seconds: float) -> None:
        """Stop all producers; what they still hold after `seconds` is dropped."""
        self.replace_with(None)
        _, late = await asyncio.wait(self._aside, timeout=seconds) if self._aside else (set(), set())
        for task in late:
            task.cancel()


class Producer:
    """A producer that connects when it is first used, and is replaced when a record fails.

    Args:
        kafka: how Kafka is reached.
        options: of aiokafka's producer.
    """

    def __init__(self, kafka: Kafka, **options: Any) -> None:
        self._connection = ProducerConnection(kafka, stop_quietly, **options)
        self._starting = asyncio.Lock()

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
        if tracing.is_on():
            headers = tracing.with_current(headers)
        async with self._using() as producer:
            return await producer.send_and_wait(topic, value, key, partition=partition, headers=headers)

    async def send_all(self, topic: str, partition: int, records: Sequence[OutgoingRecord]) -> int:
        """Return the offset of the last record once Kafka has acknowledged all; raises as `send_and_wait` does.

        It is negative where there are no records, or the broker has them already and no longer knows where.
        """
        async with self._using() as producer:
            batches = filled_batches(producer, records)
            counts = [batch.record_count() for batch in batches]
            sent = await asyncio.gather(
                *[await producer.send_batch(each, topic, partition=partition) for each in batches]
            )
        return int(sent[-1].offset) + counts[-1] - 1 if sent and sent[-1].offset >= 0 else -1

    async def close(self) -> None:
        """Stop what is running, within a deadline."""
        await self._connection.close(_CLOSE_SECONDS)

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
            return self._connection.current or await self._connection.open(START_SECONDS, AIOKafkaProducer.start)

    def _discard(self, producer: AIOKafkaProducer) -> None:
        if producer is self._connection.current:
            self._connection.replace_with(None)


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
