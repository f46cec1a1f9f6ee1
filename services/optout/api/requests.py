"""Requests of the API to the pipeline: events on `inbound-messages`, in order with the phone's own messages."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.errors import KafkaError
from pydantic_core import to_json

from services.optout.api.errors import ApiError
from services.optout.jobs.job_request import JobRequest
from services.optout.sending.outbound import SOURCE
from shared.errors import TransientError
from shared.events.codec import cloud_event_headers, encode, headers_of
from shared.events.inbound import ErasureRequested, OptInRequested, OptOutRequested, ReviewDecided
from shared.kafka_connection import Kafka
from shared.partitions import partition_of
from shared.producer import OutgoingRecord, Producer
from shared.topics import INBOUND_MESSAGES

Request = ReviewDecided | OptOutRequested | OptInRequested | ErasureRequested
_PUBLISH_SECONDS = 1.8
_PUBLISH_ALL_SECONDS = 10.0
_MAX_BATCH_BYTES = 512 * 1024
"""Of a job's requests: all that are published at once are one batch, which the pipeline reads at once."""


@dataclass(frozen=True, slots=True, order=True)
class Token:
    """A place in `inbound-messages`; the change there is in the record once its partition's position is past it."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Requests:
    """A publisher for the API, which connects on first use."""

    def __init__(self, kafka: Kafka, partitions: int) -> None:
        self._producer = Producer(kafka)
        self._job_producer = Producer(kafka, max_batch_size=_MAX_BATCH_BYTES)
        self.partitions = partitions

    async def publish(self, event: Request) -> Token:
        """Return the event's place once Kafka has it on all in-sync replicas: from then on no message passes it.

        Raises:
            ApiError: 503, it has not within two seconds; it may get it yet, and a repetition is the same event.
        """
        (token,) = await self.publish_all([event])
        return token

    async def publish_all(self, events: Sequence[Request]) -> list[Token]:
        """Publish several events at once; see `publish`."""
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                return list(await asyncio.gather(*map(self._publish, events)))
        except (TimeoutError, KafkaError, TransientError):
            message = "Kafka does not answer; the request may still be heard, and sending it again does no harm"
            raise ApiError(503, "unavailable", message, headers={"Retry-After": "2"}) from None

    async def publish_in_order(self, partition: int, requests: Sequence[JobRequest]) -> Token:
        """Publish requests of one partition for a job, in few batches; return the place of the last.

        Raises:
            TransientError: Kafka does not have them all; a repetition is the same events.
        """
        records = [
            OutgoingRecord(
                each.phone,
                to_json(each.fields),
                headers_of(each.event_type, SOURCE, each.fields["event_id"], each.fields["occurred_at"]),
            )
            for each in requests
        ]
        try:
            async with asyncio.timeout(_PUBLISH_ALL_SECONDS):
                offset = await self._job_producer.send_all(INBOUND_MESSAGES, partition, records)
        except (TimeoutError, KafkaError) as error:
            raise TransientError(f"Kafka does not answer: {error!r}") from None
        if offset < 0:
            raise TransientError("Kafka does not say where the requests are")
        return Token(partition, offset)

    async def publish_later(self, event: ReviewDecided) -> None:
        """Publish an event that nobody waits for; `TransientError` where it is to be tried again."""
        try:
            await self.publish(event)
        except ApiError as error:
            raise TransientError(error.detail) from error

    async def replay(self, topic: str, partition: int, record: OutgoingRecord) -> None:
        """Publish a parked record to its topic again; raises as the producer."""
        await self._producer.send_and_wait(topic, record.value, record.key, partition=partition, headers=record.headers)

    async def _publish(self, event: Request) -> Token:
        partition = partition_of(event.phone, self.partitions)
        appended = await self._producer.send_and_wait(
            INBOUND_MESSAGES,
            encode(event),
            event.phone.encode(),
            partition=partition,
            headers=cloud_event_headers(event, SOURCE),
        )
        if appended.offset < 0:  # a repetition that the broker knows, and no longer where
            raise TransientError("Kafka does not say where the request is")
        return Token(partition, appended.offset)

    async def close(self) -> None:
        await asyncio.gather(self._producer.close(), self._job_producer.close())
