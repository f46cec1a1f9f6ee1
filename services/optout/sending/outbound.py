"""Requests of messages on `outbound-messages`, many at once."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from shared.events.codec import cloud_event_headers, encode
from shared.events.outbound import AnyOutboundEvent, MessageRequested
from shared.kafka import SEND_SECONDS, within
from shared.kafka_connection import Kafka
from shared.partitions import partition_of
from shared.producer import OutgoingRecord, Producer
from shared.topics import OUTBOUND_MESSAGES

SOURCE = "stopline/optout-api"
_MAX_BATCH_BYTES = 512 * 1024


class OutboundRequests:
    """A publisher of requests, which connects on first use."""

    def __init__(self, kafka: Kafka, partitions: int) -> None:
        self._producer = Producer(kafka, max_batch_size=_MAX_BATCH_BYTES)
        self._partitions = partitions

    async def publish(self, requests: Sequence[AnyOutboundEvent]) -> None:
        """Return once Kafka has all of them on all in-sync replicas.

        Raises:
            TransientError: it may have some of them.
        """
        placed: dict[int, list[OutgoingRecord]] = defaultdict(list)
        for request in requests:
            key = request.phone if isinstance(request, MessageRequested) else request.message_id
            record = OutgoingRecord(key.encode(), encode(request), cloud_event_headers(request, SOURCE))
            placed[partition_of(key, self._partitions)].append(record)
        sends = (
            self._producer.send_all(OUTBOUND_MESSAGES, partition, records) for partition, records in placed.items()
        )
        await within(SEND_SECONDS, asyncio.gather(*sends), "requesting messages")

    async def close(self) -> None:
        await self._producer.close()
