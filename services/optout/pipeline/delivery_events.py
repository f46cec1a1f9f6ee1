"""Follows `delivery-events` of a worker's partition, so that a reply cannot overtake the message that it answers.

The partition is that of the worker's phones: the worker needs no consumer group for it, and keeps the position with
what it read, in Postgres.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.optout import metrics
from services.optout.decision_log.deliveries import record_deliveries
from services.optout.decision_log.position import PositionMovedError, read_position
from services.optout.pipeline.context import SOURCE, Context
from services.optout.pipeline.forgetting import Forgetting, forget
from services.optout.pipeline.start import MissingRecordsError
from shared.consumer import Consumer, Polled
from shared.errors import TransientError
from shared.event_records import read_events
from shared.events.delivery import delivery_event_adapter
from shared.kafka import SEND_SECONDS, assigned_consumer, within
from shared.parking import Parking
from shared.postgres import POSTGRES_UNAVAILABLE, connection_from
from shared.producer import Producer, send_parked
from shared.topics import DELIVERY_EVENTS

_POLL_MS = 2_000
_BATCH_RECORDS = 2_000
_CATCH_UP_SECONDS = 5.0


class DeliveryEventFollower:
    """A follower of delivery events; `catch_up` waits until all that the partition has now is recorded."""

    def __init__(self, context: Context, consumer: Consumer, producer: Producer, partition: int) -> None:
        self._context = context
        self._consumer = consumer
        self._producer = producer
        self._parking = Parking(SOURCE)
        self._partition = partition
        self._topic_partition = TopicPartition(DELIVERY_EVENTS, partition)
        self._recorded_to = 0
        self._moved = asyncio.Condition()
        self._forgetting = Forgetting()

    async def catch_up(self) -> None:
        """Wait until every event is recorded that Kafka had when this was called.

        Raises:
            TransientError: that takes too long; nothing may be attributed meanwhile.
        """
        end = await self._context.end_offset(self._topic_partition)
        try:
            async with asyncio.timeout(_CATCH_UP_SECONDS), self._moved:
                await self._moved.wait_for(lambda: self._recorded_to >= end)
        except TimeoutError as error:
            raise TransientError(
                f"delivery events of partition {self._partition} have not reached offset {end}"
            ) from error

    async def follow(self) -> None:
        """Record events until cancelled; returns with an error where Kafka or Postgres is unavailable."""
        await self._start()
        while True:
            polled = await self._consumer.getmany(
                self._topic_partition, timeout_ms=_POLL_MS, max_records=_BATCH_RECORDS
            )
            next_offset = await within(SEND_SECONDS, self._consumer.position(self._topic_partition), "position")
            if next_offset > self._recorded_to:
                await self._record(polled.get(self._topic_partition, ()), next_offset)

    async def _start(self) -> None:
        async with connection_from(self._context.pool) as connection:
            position = await read_position(connection, self._partition)
        recorded = position.delivery_next_offset
        beginning, end = (
            await self._context.beginning_offset(self._topic_partition),
            await self._context.end_offset(self._topic_partition),
        )
        if recorded > end:
            raise MissingRecordsError(
                f"{DELIVERY_EVENTS} {self._partition} ends at {end}, but {recorded} is recorded: Kafka has lost"
                " records, or this database belongs to another cluster"
            )
        await self._advance(recorded)
        # What Kafka has deleted already was sent before the attribution window began.
        self._consumer.seek(self._topic_partition, max(recorded, beginning))

    async def _record(self, records: Sequence[Polled], next_offset: int) -> None:
        read, bad = read_events(delivery_event_adapter, records, self._context.settings.partitions)
        events = [event for _, event in read]
        if bad:
            await send_parked(self._producer, self._parking.park(bad, self._context.now()).records)
            for _, error in bad:
                metrics.RECORDS_PARKED.labels(error.reason).inc()
        try:
            async with connection_from(self._context.pool) as connection:
                await record_deliveries(connection, self._partition, self._recorded_to, next_offset, events)
        except PositionMovedError:
            await self._start()
        else:
            await self._advance(next_offset)
            await self._forget(len(records))

    async def _forget(self, records: int) -> None:
        """Forget old messages where that is due: no reply waits for it."""
        limit = self._forgetting.due(records)
        if limit:
            before = self._context.now() - self._context.settings.attribution_window - timedelta(days=1)
            async with connection_from(self._context.pool) as connection:
                await forget(connection, before, limit)

    async def _advance(self, next_offset: int) -> None:
        async with self._moved:
            self._recorded_to = next_offset
            self._moved.notify_all()


@asynccontextmanager
async def following_delivery_events(context: Context, partition: int) -> AsyncIterator[DeliveryEventFollower]:
    """Follow while inside the `with` block; what ends a follower ends the block, with a group of its errors."""
    kafka, mine = context.settings.kafka, [TopicPartition(DELIVERY_EVENTS, partition)]
    producer = Producer(kafka)  # connects when there is something to park
    try:
        async with (
            assigned_consumer(kafka, mine, fetch_max_wait_ms=_POLL_MS) as consumer,
            asyncio.TaskGroup() as tasks,
        ):
            deliveries = DeliveryEventFollower(context, consumer, producer, partition)
            task = tasks.create_task(_ending_transiently(deliveries))
            yield deliveries
            task.cancel()
    finally:
        await producer.close()


async def _ending_transiently(deliveries: DeliveryEventFollower) -> None:
    try:
        await deliveries.follow()
    except (KafkaError, *POSTGRES_UNAVAILABLE) as error:
        raise TransientError(f"following {DELIVERY_EVENTS}: {error!r}") from error
