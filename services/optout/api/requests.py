"""Requests of the API to the pipeline: events on `inbound-messages`, in order with the phone's own messages."""

import asyncio

from aiokafka.errors import KafkaError

from services.optout.api.errors import ApiError
from shared.errors import TransientError
from shared.events.codec import cloud_event_headers, encode
from shared.events.inbound import ReviewDecided
from shared.kafka_connection import Kafka
from shared.partitions import partition_of
from shared.producer import Producer
from shared.topics import INBOUND_MESSAGES

SOURCE = "stopline/optout-api"
_PUBLISH_SECONDS = 1.8


class Requests:
    """A publisher for the API, which connects on first use."""

    def __init__(self, kafka: Kafka, partitions: int) -> None:
        self._producer = Producer(kafka)
        self._partitions = partitions

    async def publish(self, event: ReviewDecided) -> None:
        """Return when Kafka has the event on all in-sync replicas.

        Raises:
            ApiError: 503, it has not within two seconds; it may get it yet, and a repetition is the same event.
        """
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                await self._producer.send_and_wait(
                    INBOUND_MESSAGES,
                    encode(event),
                    event.phone.encode(),
                    partition=partition_of(event.phone, self._partitions),
                    headers=cloud_event_headers(event, SOURCE),
                )
        except (TimeoutError, KafkaError, TransientError):
            message = "Kafka does not answer; the request may still be heard, and sending it again does no harm"
            raise ApiError(503, "unavailable", message, headers={"Retry-After": "2"}) from None

    async def close(self) -> None:
        await self._producer.close()
