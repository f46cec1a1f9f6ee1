"""Follows the topic `inbound-status`, from its beginning: it has few records, because it is compacted."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.consumer import Consumer, Polled
from shared.errors import PoisonError, TransientError
from shared.event_records import event_of
from shared.events.reception import reception_event_adapter
from shared.kafka import SEND_SECONDS, assigned_consumer, within
from shared.kafka_connection import Kafka
from shared.reception.state import ReceptionState
from shared.topics import INBOUND_STATUS

log = logging.getLogger(__name__)
_PLACE = TopicPartition(INBOUND_STATUS, 0)
_POLL_MS = 1_000
_RETRY_SECONDS = 1.0
_KEY_OF_A_CATCH_UP = "catch-up"


def utc_now() -> datetime:
    return datetime.now(UTC)


class ReceptionFollower:
    """A reader of the topic into a state; while Kafka is unavailable the state grows old, and says so by its times."""

    def __init__(self, kafka: Kafka, state: ReceptionState, now: Callable[[], datetime] = utc_now) -> None:
        self.state = state
        self._kafka = kafka
        self._now = now

    async def run(self) -> None:
        """Follow until cancelled; after an error it reads from the beginning again."""
        while True:
            try:
                await self._follow()
            except (TransientError, KafkaError) as error:
                log.warning("%s is read again from its beginning: %s", INBOUND_STATUS, error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def read(self) -> None:
        """Read the topic once to its end.

        Raises:
            TransientError: Kafka is unavailable.
        """
        async with assigned_consumer(self._kafka, [_PLACE]) as consumer:
            try:
                await self._to_end(consumer)
            except KafkaError as error:
                raise TransientError(f"reading {INBOUND_STATUS}: {error!r}") from error

    async def _follow(self) -> None:
        async with assigned_consumer(self._kafka, [_PLACE]) as consumer:
            await self._to_end(consumer)
            while True:
                await self._poll(consumer)

    async def _to_end(self, consumer: Consumer) -> None:
        ends = await within(SEND_SECONDS, consumer.end_offsets([_PLACE]), f"asking for the end of {INBOUND_STATUS}")
        await within(SEND_SECONDS, consumer.seek_to_beginning(_PLACE), f"reading {INBOUND_STATUS}")
        while await within(SEND_SECONDS, consumer.position(_PLACE), f"reading {INBOUND_STATUS}") < ends[_PLACE]:
            await self._poll(consumer)
        self.state.is_read = True

    async def _poll(self, consumer: Consumer) -> None:
        for records in (await consumer.getmany(_PLACE, timeout_ms=_POLL_MS)).values():
            for record in records:
                self._apply(record)

    def _apply(self, record: Polled) -> None:
        kind, _, rest = (record.key or b"").decode(errors="replace").partition("|")
        if record.value is None and kind == _KEY_OF_A_CATCH_UP:
            account_id, _, gateway = rest.partition("|")
            self.state.forget(account_id, gateway)
            return
        try:
            self.state.apply(event_of(reception_event_adapter, record), self._now())
        except PoisonError as error:
            log.warning("%s offset %d is passed over: %s", INBOUND_STATUS, record.offset, error)
