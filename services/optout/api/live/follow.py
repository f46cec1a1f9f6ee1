"""Follows the topics that say what happens, from some minutes ago on, for the counts of this process.

Every process of the API has all of it, so there is no group and nothing to commit: where reading starts is the point,
and that is aiokafka's business and not FastStream's (decision 29). What is lost or counted twice around a restart is a
point of a chart; the record is elsewhere.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from pydantic_core import from_json

from services.optout.api.live.counts import STEP_SECONDS, STEPS, LiveCounts, LiveKind
from shared.background import GiveUp, in_background
from shared.consumer import Consumer, Polled, Unreadable
from shared.errors import TransientError
from shared.kafka import SEND_SECONDS, assigned_consumer, within
from shared.kafka_connection import Kafka
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OPT_OUT_EVENTS

log = logging.getLogger(__name__)

TOPICS = (INBOUND_MESSAGES, OPT_OUT_EVENTS, DELIVERY_EVENTS)
_KINDS: Mapping[str, LiveKind] = {
    "message_received": "received",
    "opted_out": "opted_out",
    "message_sent": "sent",
    "message_suppressed": "dropped",
    "message_rejected": "dropped",
}
_BY_NOBODY = ("clean_up", "undo", "narrowed")
_MAX_RECORDS_BACK = 20_000
"""Of a partition, when the process starts."""
_POLL_MS = 1_000
_POLL_RECORDS = 2_000
_RETRY_SECONDS = 2.0
_MAX_ID_CHARACTERS = 64


class LiveFollower:
    """A reader of the topics into counts."""

    def __init__(self, kafka: Kafka, partitions: int, counts: LiveCounts) -> None:
        self._kafka = kafka
        self._places = [TopicPartition(topic, number) for topic in TOPICS for number in range(partitions)]
        self._counts = counts

    async def run(self) -> None:
        """Follow until cancelled; after an error it goes on from now."""
        back_seconds = float(STEP_SECONDS * STEPS)
        while True:
            try:
                await self._follow(back_seconds)
            except (TransientError, KafkaError) as error:
                log.warning("live figures wait for Kafka: %s", error)
            self._counts.is_catching_up, back_seconds = True, 0.0
            await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self, back_seconds: float) -> None:
        async with assigned_consumer(self._kafka, self._places) as consumer:
            for place, offset in (await self._starts(consumer, back_seconds)).items():
                consumer.seek(place, offset)
            while True:
                polled = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
                self._counts.is_catching_up = False
                self._counts.ends = self._ends(consumer)
                for records in polled.values():
                    count_all(self._counts, records)
                await asyncio.sleep(0)

    def _ends(self, consumer: Consumer) -> dict[int, int]:
        places = [place for place in self._places if place.topic == INBOUND_MESSAGES]
        return {place.partition: end for place in places if (end := consumer.highwater(place)) is not None}

    async def _starts(self, consumer: Consumer, back_seconds: float) -> dict[TopicPartition, int]:
        """Return where each partition is read from: by the time, within a limit of records."""
        ends = await within(SEND_SECONDS, consumer.end_offsets(self._places), "asking for the ends of topics")
        since_ms = int((time.time() - back_seconds) * 1000)
        asked = consumer.offsets_for_times(dict.fromkeys(self._places, since_ms))
        found = await within(SEND_SECONDS, asked, "asking for the offsets of a time")
        return {
            place: max(found[place].offset, end - _MAX_RECORDS_BACK) if found.get(place) else end
            for place, end in ends.items()
        }


@asynccontextmanager
async def live_counts(kafka: Kafka, partitions: int, give_up: GiveUp) -> AsyncIterator[LiveCounts]:
    """Give the counts, which are kept up to date until the `with` block ends."""
    counts = LiveCounts()
    async with in_background(LiveFollower(kafka, partitions, counts).run(), "live figures", give_up):
        yield counts


def count_all(counts: LiveCounts, records: Iterable[Polled]) -> None:
    """Count what the records say; what nobody can read, or is of another kind, counts for nothing."""
    for record in records:
        event = _event(record)
        kind = _KINDS.get(str(event.get("type")))
        account_id = event.get("account_id")
        if kind is None or not isinstance(account_id, str) or len(account_id) > _MAX_ID_CHARACTERS:
            continue
        if kind != "opted_out" or event.get("source") not in _BY_NOBODY:
            counts.add(account_id, kind, record.timestamp / 1000)


def _event(record: Polled) -> dict[str, Any]:
    if isinstance(record, Unreadable) or record.value is None:
        return {}
    try:
        event = from_json(record.value)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
