"""What the tests do to the opt-out service, and what they see of it: Kafka, Postgres, its process."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from kept_service import KeptService

from harness.stack.embedded import EmbeddedBackend
from shared.events import codec
from shared.events.base import Event
from shared.events.delivery import MessageDispatching, MessageSent, delivery_event_id
from shared.events.inbound import FenceMarkerAppended, MessageReceived
from shared.events.opt_out import AnyOptOutEvent, opt_out_event_adapter
from shared.events.outbound import AnyOutboundEvent, MessageRequested, outbound_event_adapter
from shared.events.suppression import (
    MarkersPassed,
    SuppressionChanged,
    SuppressionsChanged,
    WatermarkAdvanced,
    suppression_event_adapter,
)
from shared.kafka import new_consumer, new_producer
from shared.partitions import partition_of
from shared.topics import (
    DELIVERY_EVENTS,
    INBOUND_MESSAGES,
    OPT_OUT_EVENTS,
    OUTBOUND_MESSAGES,
    PARKED_MESSAGES,
    SUPPRESSIONS,
)

NUMBER = "+18335550123"
SECONDS = 40.0
FETCH_WAIT_MS = 20
"""Whoever asks for a topic's end waits for the fetch before it, on the same connection."""


class OptOutWorld:
    """Uses an account of its own; topics are read from where they ended when the test began."""

    def __init__(self, backend: EmbeddedBackend, service: KeptService, api: KeptService, partitions: int) -> None:
        self.backend = backend
        self.service = service
        self.api = api
        self.account_id = f"t-{uuid4().hex[:10]}"
        self.phone = f"+1415555{uuid4().int % 10_000:04d}"
        self.partitions = partitions
        self._producer = new_producer(backend.kafka_bootstrap)
        self._consumers: dict[str, AIOKafkaConsumer] = {}
        self.seen: dict[str, list[ConsumerRecord]] = {}

    @property
    def partition(self) -> int:
        return partition_of(self.phone, self.partitions)

    async def __aenter__(self) -> Self:
        await self._producer.start()
        for topic in (SUPPRESSIONS, OPT_OUT_EVENTS, OUTBOUND_MESSAGES, PARKED_MESSAGES):
            consumer = new_consumer(
                self.backend.kafka_bootstrap, topic, auto_offset_reset="latest", fetch_max_wait_ms=FETCH_WAIT_MS
            )
            await consumer.start()
            for tp in consumer.assignment():
                await consumer.position(tp)
            self._consumers[topic], self.seen[topic] = consumer, []
        return self

    async def __aexit__(self, *_: object) -> None:
        for service in (self.service, self.api):
            await service.leave()
        for client in (*self._consumers.values(), self._producer):
            await client.stop()

    async def write(self, topic: str, value: bytes | Event, key: bytes | None = None) -> int:
        """Write to the phone's partition; return the offset."""
        encoded = value if isinstance(value, bytes) else codec.encode(value)
        sent = await self._producer.send_and_wait(
            topic, encoded, key=key or self.phone.encode(), partition=self.partition
        )
        return int(sent.offset)

    async def says(self, body: str, **fields: Any) -> MessageReceived:
        event = MessageReceived(
            **{
                "event_id": uuid4(),
                "occurred_at": datetime.now(UTC),
                "account_id": self.account_id,
                "gateway": "test",
                "phone": self.phone,
                "sender_number": NUMBER,
                "body": body,
                **fields,
            }
        )
        await self.write(INBOUND_MESSAGES, event, event.phone.encode())
        return event

    async def was_sent(self, list_id: int, *, answered: bool = True) -> str:
        """Publish on `delivery-events` that a message of the list went to the phone; return its id."""
        message_id = f"m-{uuid4().hex[:10]}"
        common: dict[str, Any] = {
            "occurred_at": datetime.now(UTC),
            "account_id": self.account_id,
            "message_id": message_id,
            "list_id": list_id,
            "phone": self.phone,
            "sender_number": NUMBER,
        }

        def event_id(event_type: str) -> UUID:
            return delivery_event_id(self.account_id, message_id, event_type)

        announced = MessageDispatching(
            event_id=event_id("message_dispatching"), decision_started_at=datetime.now(UTC), **common
        )
        await self.write(DELIVERY_EVENTS, announced)
        if answered:
            sent = MessageSent(event_id=event_id("message_sent"), carrier_message_id=f"c-{message_id}", **common)
            await self.write(DELIVERY_EVENTS, sent)
        return message_id

    async def fence(self) -> None:
        """Append a marker and wait until the watermark has passed it: all before it is decided and published."""
        offset = await self.write(INBOUND_MESSAGES, FenceMarkerAppended(marker_id=uuid4()))
        async with asyncio.timeout(SECONDS):
            while self.watermark() <= offset:
                await self._read(SUPPRESSIONS)
        await self._read(OPT_OUT_EVENTS)
        await self._read(OUTBOUND_MESSAGES)
        await self._read(PARKED_MESSAGES)

    async def _read(self, topic: str) -> None:
        """Read what is there, up to the end as it is now."""
        consumer = self._consumers[topic]
        ends = await consumer.end_offsets(consumer.assignment())
        while True:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                self.seen[topic] += records
            if all([await consumer.position(tp) >= end for tp, end in ends.items()]):
                return

    async def read_some(self, topic: str) -> None:
        """Wait until there is something new, and read it."""
        for records in (await self._consumers[topic].getmany(timeout_ms=1_000)).values():
            self.seen[topic] += records

    def watermark(self) -> int:
        events = [self._suppression(record) for record in self._mine(SUPPRESSIONS)]
        marks = [event for event in events if isinstance(event, WatermarkAdvanced | MarkersPassed)]
        return max((event.next_offset for event in marks), default=-1)

    def suppressions(self) -> dict[str, str]:
        """Return the newest state of each scope of this test's phone."""
        return self.suppressions_of(self.phone)

    def suppressions_of(self, phone: str) -> dict[str, str]:
        events = [self._suppression(record) for record in self.seen[SUPPRESSIONS]]
        each = (one for e in events for one in (e.singly() if isinstance(e, SuppressionsChanged) else (e,)))
        mine = [e for e in each if isinstance(e, SuppressionChanged) and e.account_id == self.account_id]
        return {event.scope: event.state for event in mine if event.phone == phone}

    def opt_out_events(self) -> list[AnyOptOutEvent]:
        events = [codec.decode(opt_out_event_adapter, record.value) for record in self._mine(OPT_OUT_EVENTS)]
        return [event for event in events if event.account_id == self.account_id]

    def replies(self) -> list[MessageRequested]:
        return [event for event in self.outbound() if isinstance(event, MessageRequested)]

    def outbound(self) -> list[AnyOutboundEvent]:
        events = [codec.decode(outbound_event_adapter, record.value) for record in self.seen[OUTBOUND_MESSAGES]]
        return [event for event in events if event.account_id == self.account_id]

    def parked(self) -> list[ConsumerRecord]:
        return self.seen[PARKED_MESSAGES]

    def _mine(self, topic: str) -> list[ConsumerRecord]:
        return [record for record in self.seen[topic] if record.partition == self.partition]

    def _suppression(self, record: ConsumerRecord) -> Any:
        return codec.decode(suppression_event_adapter, record.value)

    async def fetch(self, sql: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.backend.optout_database_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *values)
        finally:
            await connection.close()
        return rows

    def topic_partition(self, topic: str) -> TopicPartition:
        return TopicPartition(topic, self.partition)


Worlds = Callable[[], OptOutWorld]
"""Makes worlds, which share the processes."""
