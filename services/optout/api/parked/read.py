"""Reads `parked-messages` from its end, a window at a time: nobody waits for all that a topic may hold."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.optout.api.errors import ApiError
from services.optout.api.parked.parked_record import ParkedRecord
from shared.consumer import Consumer, Polled, Unreadable
from shared.errors import TransientError
from shared.kafka import SEND_SECONDS, assigned_consumer, within
from shared.kafka_connection import Kafka
from shared.topics import PARKED_MESSAGES

log = logging.getLogger(__name__)
_PLACE = TopicPartition(PARKED_MESSAGES, 0)
_WINDOW = 50
"""Offsets that are read at once."""
MAX_EXAMINED = 1_000
MAX_BYTES = 16 * 1024 * 1024
_SECONDS = 8.0
_POLL_MS = 500
_AT_ONCE = 2


class ParkedWindow(NamedTuple):
    """A window of parked records, newest first, of the offsets from `first` on; `is_last`: there is nothing older."""

    records: list[ParkedRecord]
    first: int
    is_last: bool


class ParkedTopic:
    """The topic, for a few readers at once."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def before(self, end: int, number: int) -> ParkedWindow:
        """Return at least `number` records before the offset `end`, where there are as many among the next thousand.

        Raises:
            ApiError: 503, Kafka is unavailable, or others are reading.
        """
        async with self._reading() as consumer:
            oldest, newest = await _bounds(consumer)
            first = stop = max(oldest, min(end, newest))
            size, records = 0, list[ParkedRecord]()
            while first > oldest and len(records) < number and stop - first < MAX_EXAMINED and size < MAX_BYTES:
                start = max(oldest, first - _WINDOW)
                found = await _read(consumer, start, first)
                records += [ParkedRecord.of(each) for each in reversed(found)]
                size += sum(len(each.value or b"") for each in found)
                first = start
            return ParkedWindow(records, first, first <= oldest)

    async def one(self, position: int) -> ParkedRecord | None:
        """Return the record at an offset; None: there is none. Raises as `before`."""
        async with self._reading() as consumer:
            oldest, newest = await _bounds(consumer)
            if not oldest <= position < newest:
                return None
            found = await _read(consumer, position, position + 1)
        return next((ParkedRecord.of(each) for each in found if each.offset == position), None)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Consumer]:
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._turns,
                assigned_consumer(self._kafka, [_PLACE], isolation_level="read_committed") as consumer,
            ):
                yield consumer
        except (TimeoutError, KafkaError, TransientError) as error:
            raise _unavailable(error) from error


def _unavailable(error: Exception) -> ApiError:
    log.warning("reading %s: %r", PARKED_MESSAGES, error)
    message = f"{PARKED_MESSAGES} cannot be read now: Kafka does not answer, or others are reading it; try again"
    return ApiError(503, "unavailable", message, headers={"Retry-After": "2"})


async def _bounds(consumer: Consumer) -> tuple[int, int]:
    oldest = await within(SEND_SECONDS, consumer.beginning_offsets([_PLACE]), f"reading {PARKED_MESSAGES}")
    newest = await within(SEND_SECONDS, consumer.end_offsets([_PLACE]), f"reading {PARKED_MESSAGES}")
    return oldest[_PLACE], newest[_PLACE]


async def _read(consumer: Consumer, start: int, stop: int) -> list[Polled]:
    """Return the records from `start` to before `stop`; what Kafka's client cannot read is left out."""
    consumer.seek(_PLACE, start)
    found: list[Polled] = []
    while await within(SEND_SECONDS, consumer.position(_PLACE), f"reading {PARKED_MESSAGES}") < stop:
        polled = await consumer.getmany(_PLACE, timeout_ms=_POLL_MS)
        found += [each for records in polled.values() for each in records if each.offset < stop]
    return [each for each in found if not isinstance(each, Unreadable)]
