"""Publishing to Kafka: a record is handed to the producer, and the acknowledgement is waited for."""

import time

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.inbound import metrics
from services.inbound.kafka_link import KafkaLink
from services.inbound.limits import MAX_PUBLISHES_WAITING, PUBLISH_SECONDS
from services.inbound.records import PlacedRecord
from shared import tracing
from shared.deadlines import Deadlines
from shared.errors import TransientError


class Publisher:
    """A publisher that passes records to the producer, which batches waiting records in one request."""

    def __init__(self, link: KafkaLink) -> None:
        self._link = link
        self._deadlines = Deadlines(PUBLISH_SECONDS)
        self._waiting = 0
        self.missed = 0
        """Records that Kafka did not acknowledge in time, and not those that it refused."""
        metrics.WAITING.set_function(lambda: self._waiting)

    async def publish(self, placed: PlacedRecord) -> None:
        """Return when Kafka has the record on all in-sync replicas.

        Raises:
            TransientError: Kafka did not acknowledge in time. It may have the record nevertheless, or get it yet.
        """
        if tracing.is_on():
            with tracing.publishing(placed.topic, placed.partition) as header:
                await self._publish(placed.with_headers(header))
        else:
            await self._publish(placed)

    async def _publish(self, placed: PlacedRecord) -> None:
        producer = self._link.producer
        if producer is None:
            raise TransientError("Kafka is unavailable")
        if self._waiting >= MAX_PUBLISHES_WAITING:
            raise TransientError(f"{self._waiting} records wait for Kafka already")
        self._waiting += 1
        started = time.perf_counter()
        try:
            await self._acknowledged(producer, placed)
        finally:
            self._waiting -= 1
            metrics.ACKNOWLEDGE_SECONDS.observe(time.perf_counter() - started)

    async def _acknowledged(self, producer: AIOKafkaProducer, placed: PlacedRecord) -> None:
        try:
            with self._deadlines.new():
                # Why this is not FastStream's `publish`, which wraps this very call: decision 29.
                topic, partition, (key, value, headers) = placed
                sent = await producer.send(topic, value, key, partition, headers=headers)
                await sent
        except TimeoutError:
            self._link.missed()
            self.missed += 1
            raise TransientError(f"Kafka did not acknowledge within {PUBLISH_SECONDS} s") from None
        except KafkaError as error:
            self._link.refused(error)
            raise TransientError(f"Kafka refused the record: {error!r}") from error
        self._link.acknowledged()
