"""Publishes the outcomes of messages to `delivery-events`, and returns when Kafka has acknowledged them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from services.sender.events import SOURCE, announced, outcome_event
from services.sender.ledger.model import Row
from shared.events.codec import cloud_event_headers, encode
from shared.events.delivery import MessageRejected
from shared.events.outbound import MessageRequested
from shared.kafka import SEND_SECONDS, within
from shared.producer import OutgoingRecord, Producer, send_parked
from shared.suppressions.placement import partitions_of
from shared.topics import DELIVERY_EVENTS


class Reporter:
    """A publisher with the sender's own idempotent producer; every method raises TransientError.

    An event goes to the partition of its phone: of its message id, where it has no phone.
    """

    def __init__(self, producer: Producer, partitions: int) -> None:
        self._producer = producer
        self._partitions = partitions

    async def announce(self, requests: Iterable[MessageRequested], decision_started_at: datetime) -> None:
        """Announce that the carrier is about to be called for these messages."""
        now = datetime.now(UTC)
        await self._publish([announced(request, decision_started_at, now) for request in requests])

    async def publish(self, rows: Iterable[Row]) -> None:
        """Publish the outcomes of messages."""
        await self._publish([outcome_event(row) for row in rows])

    async def reject(self, events: Iterable[MessageRejected]) -> None:
        """Report records that were parked."""
        await self._publish(
            [
                OutgoingRecord(
                    (event.phone or event.message_id).encode(), encode(event), cloud_event_headers(event, SOURCE)
                )
                for event in events
            ]
        )

    async def park(self, parked: Iterable[OutgoingRecord]) -> None:
        """Park records."""
        await send_parked(self._producer, parked)

    async def _publish(self, records: Sequence[OutgoingRecord]) -> None:
        by_partition: dict[int, list[OutgoingRecord]] = defaultdict(list)
        for record, partition in zip(records, self._places(records), strict=True):
            by_partition[partition].append(record)
        sends = [self._producer.send_all(DELIVERY_EVENTS, *each) for each in by_partition.items()]
        await within(SEND_SECONDS, asyncio.gather(*sends), "publishing delivery events")

    def _places(self, records: Sequence[OutgoingRecord]) -> list[int]:
        return partitions_of([record.key or b"" for record in records], self._partitions)
