"""Follows the topics from now on, through restarts of Kafka: each record once, in the order of its partition."""

import asyncio
import logging
import time
from collections.abc import Callable

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from pydantic import TypeAdapter

from harness.phones.limits import RETRY_SECONDS
from harness.phones.observed import Observed
from shared.consumer import Consumer, Polled
from shared.errors import PoisonError, TransientError
from shared.event_records import event_of
from shared.events.base import Event
from shared.events.delivery import delivery_event_adapter
from shared.events.inbound import inbound_event_adapter
from shared.events.opt_out import opt_out_event_adapter
from shared.events.outbound import outbound_event_adapter
from shared.events.suppression import suppression_event_adapter
from shared.kafka import SEND_SECONDS, connect, new_consumer, stop_quietly, within
from shared.kafka_connection import Kafka
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OPT_OUT_EVENTS, OUTBOUND_MESSAGES, SUPPRESSIONS

_log = logging.getLogger(__name__)
_POLL_MS = 500
_ADAPTERS: dict[str, TypeAdapter[Event]] = {
    INBOUND_MESSAGES: inbound_event_adapter,  # type: ignore[dict-item]  # a TypeAdapter is not covariant
    OPT_OUT_EVENTS: opt_out_event_adapter,  # type: ignore[dict-item]
    SUPPRESSIONS: suppression_event_adapter,  # type: ignore[dict-item]
    OUTBOUND_MESSAGES: outbound_event_adapter,  # type: ignore[dict-item]
    DELIVERY_EVENTS: delivery_event_adapter,  # type: ignore[dict-item]
}

TakeRecord = Callable[[Observed], None]


class TopicFollower:
    """A follower of all topics that a reply travels through; `is_following` says whether Kafka answers it."""

    def __init__(self, kafka: Kafka, take: TakeRecord) -> None:
        self._kafka = kafka
        self._take = take
        self._positions: dict[TopicPartition, int] = {}
        self.is_following = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow()
            except (TransientError, KafkaError, OSError) as error:
                _log.warning("Kafka is not followed: %s", error)
            self.is_following.clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        consumer = new_consumer(self._kafka, *_ADAPTERS, auto_offset_reset="latest")
        try:
            await connect(consumer.start(), self._kafka)
            await self._go_to_positions(consumer)
            self.is_following.set()
            while True:
                polled = await consumer.getmany(timeout_ms=_POLL_MS)
                records = [record for of_partition in polled.values() for record in of_partition]
                self._take_all(sorted(records, key=lambda record: record.timestamp))  # causes first, across topics
        finally:
            await stop_quietly(consumer)

    async def _go_to_positions(self, consumer: Consumer) -> None:
        """Go on where it was, and at first at the end."""
        for partition in consumer.assignment():
            if partition in self._positions:
                consumer.seek(partition, self._positions[partition])
            else:
                position = await within(SEND_SECONDS, consumer.position(partition), "asking for a position")
                self._positions[partition] = position

    def _take_all(self, records: list[Polled]) -> None:
        seen_us = time.time_ns() // 1_000
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            self._positions[partition] = max(self._positions.get(partition, 0), record.offset + 1)
            try:
                event = event_of(_ADAPTERS[partition.topic], record)
            except PoisonError:
                continue  # others write to these topics too; what is bad is parked by who it is for
            self._take(
                Observed(partition.topic, partition.partition, record.offset, record.timestamp * 1_000, seen_us, event)
            )
