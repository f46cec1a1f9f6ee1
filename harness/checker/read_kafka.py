"""Reads what Kafka acknowledged: the records of all topics, as any consumer can read them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import TypeAdapter

from harness.checker.history import (
    AccountSettingsRecord,
    ChangeRecord,
    DeliveryRecord,
    Place,
    ReplyRecord,
    RequestRecord,
    SuppressionRecord,
)
from shared import topics
from shared.consumer import Polled
from shared.errors import PoisonError
from shared.event_records import event_of
from shared.events.delivery import AnyDeliveryEvent, delivery_event_adapter
from shared.events.inbound import MessageReceived, inbound_event_adapter
from shared.events.opt_out import OptedIn, OptedOut, opt_out_event_adapter
from shared.events.outbound import MessageRequested, outbound_event_adapter
from shared.events.suppression import (
    AccountSettingsPublished,
    SuppressionChanged,
    SuppressionsChanged,
    suppression_event_adapter,
)
from shared.kafka import START_SECONDS, new_consumer, stop_quietly, within
from shared.kafka_connection import Kafka
from shared.parked_records import parked_offsets

READ_SECONDS = 60.0
_LOOK_SECONDS = 0.02
T = TypeVar("T")
Positions = Mapping[TopicPartition, int]

_TOPICS = (*topics.PLACED_BY_PHONE, topics.OUTBOUND_MESSAGES, topics.PARKED_MESSAGES)
_ADAPTERS: dict[str, TypeAdapter[Any]] = {
    topics.INBOUND_MESSAGES: inbound_event_adapter,
    topics.OPT_OUT_EVENTS: opt_out_event_adapter,
    topics.SUPPRESSIONS: suppression_event_adapter,
    topics.OUTBOUND_MESSAGES: outbound_event_adapter,
    topics.DELIVERY_EVENTS: delivery_event_adapter,
}


@dataclass
class KafkaRecords:
    """All records between two positions, by topic, with the places of unreadable and of parked records."""

    replies: list[ReplyRecord] = field(default_factory=list)
    requests: list[RequestRecord] = field(default_factory=list)
    deliveries: list[DeliveryRecord] = field(default_factory=list)
    changes: list[ChangeRecord] = field(default_factory=list)
    suppressions: list[SuppressionRecord] = field(default_factory=list)
    account_settings: list[AccountSettingsRecord] = field(default_factory=list)
    unreadable: list[Place] = field(default_factory=list)
    parked: list[Place] = field(default_factory=list)

    def add(self, record: Polled) -> None:
        place = Place(record.topic, record.partition, record.offset)
        if record.topic == topics.PARKED_MESSAGES:
            self._add_parked(record)
            return
        try:
            event = event_of(_ADAPTERS[record.topic], record)
        except PoisonError:
            self.unreadable.append(place)
            return
        self._add_event(place, _moment(record.timestamp), event)

    def _add_event(self, place: Place, created_at: datetime, event: object) -> None:
        match event:
            case MessageReceived():
                self.replies.append(ReplyRecord(place.partition, place.offset, created_at, event))
            case MessageRequested():
                self.requests.append(RequestRecord(place, event))
            case SuppressionChanged() | SuppressionsChanged():
                for each in (event,) if isinstance(event, SuppressionChanged) else event.singly():
                    self.suppressions.append(SuppressionRecord(place.partition, place.offset, created_at, each))
            case AccountSettingsPublished():
                self.account_settings.append(AccountSettingsRecord(created_at, event))
            case OptedOut() | OptedIn():
                self.changes.append(ChangeRecord(created_at, event))
            case _ if isinstance(event, AnyDeliveryEvent):
                self.deliveries.append(DeliveryRecord(created_at, event))

    def _add_parked(self, record: Polled) -> None:
        headers = dict(record.headers)
        with suppress(KeyError, ValueError):  # parked webhooks have no offset, and any client may write to the topic
            topic, partition = headers["original_topic"].decode(), int(headers["original_partition"])
            for run in parked_offsets(record):
                self.parked += [Place(topic, partition, offset) for offset in run]


def _moment(timestamp_ms: int) -> datetime:
    """Return a record's timestamp, limited to what `datetime` can hold: a producer may write any number there."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.min.replace(tzinfo=UTC) if timestamp_ms < 0 else datetime.max.replace(tzinfo=UTC)


async def end_positions(kafka: Kafka) -> Positions:
    """Return the end of every partition now; records that are written later come after it."""
    return await _with_consumer(kafka, _ends)


async def read_records(kafka: Kafka, since: Positions | None = None) -> KafkaRecords:
    """Read all committed records, from the start or from `since`, up to the current end of each partition.

    Raises:
        TransientError: Kafka is unavailable, or a transaction stayed open too long for the records after it to be read.
    """

    async def read(consumer: AIOKafkaConsumer) -> KafkaRecords:
        ends = await _ends(consumer)
        for partition in ends:
            consumer.seek(partition, 0 if since is None else since[partition])
        return await _read_to(ends, consumer)

    return await _with_consumer(kafka, read)


async def _read_to(ends: Positions, consumer: AIOKafkaConsumer) -> KafkaRecords:
    records = KafkaRecords()
    while not await _all_read(consumer, ends):
        for batch in (await consumer.getmany(timeout_ms=200)).values():
            for record in batch:
                records.add(record)
    return records


async def _all_read(consumer: AIOKafkaConsumer, ends: Positions) -> bool:
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


async def _ends(consumer: AIOKafkaConsumer) -> Positions:
    consumer.subscribe(_TOPICS)  # without a group: all partitions, once their number is known
    while {partition.topic for partition in consumer.assignment()} != set(_TOPICS):  # noqa: ASYNC110 (there is no event)
        await asyncio.sleep(_LOOK_SECONDS)
    ends: Positions = await consumer.end_offsets(list(consumer.assignment()))
    return ends


async def _with_consumer(kafka: Kafka, use: Callable[[AIOKafkaConsumer], Awaitable[T]]) -> T:
    consumer = new_consumer(kafka, isolation_level="read_committed", auto_offset_reset="earliest")
    await within(START_SECONDS, consumer.start(), "connecting to Kafka")
    try:
        return await within(READ_SECONDS, use(consumer), "reading the topics")
    finally:
        await stop_quietly(consumer)
