"""Topic `outbound-messages`: read in batches, committed when every message of the batch has a durable fate."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from services.sender import metrics
from services.sender.batch import BatchProcessor
from services.sender.ledger.connection import AWAY, Pool
from services.sender.ledger.parked import not_parked_yet, note_parked
from services.sender.report import SOURCE, Reporter
from shared.errors import PoisonError, TransientError
from shared.events.base import derived_id
from shared.events.codec import decode, salvage
from shared.events.delivery import MessageRejected
from shared.events.outbound import MessageRequested, outbound_events
from shared.parking import MAX_PARKED_IN_A_ROW, ParkedRecord, park, parked_id
from shared.phone_numbers import E164

log = logging.getLogger(__name__)

_BACKOFF_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)


class TooManyParkedError(Exception):
    """So many bad records in a row that a producer must be broken; a person has to look."""


Bad = tuple[ConsumerRecord, PoisonError]


class OutboundHandler:
    """Handles the batches of one subscriber, one after the other."""

    def __init__(self, pool: Pool, processor: BatchProcessor, reporter: Reporter) -> None:
        self._pool = pool
        self._processor = processor
        self._reporter = reporter
        self._parked_in_a_row = 0
        self.waiting = False
        """Whether Kafka, Postgres, the cache or the carrier is away and a batch waits for it."""
        self.busy = False

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Return when every record has a durable fate; tries as long as that takes.

        Raises:
            TooManyParkedError: nothing more must be read until a person has looked.
        """
        requests, bad = self._read(records)
        self.busy = True
        attempt = 0
        while True:
            try:
                await self._park(bad)
                await self._processor.process(requests)
            except* (TransientError, *AWAY) as errors:
                metrics.BATCHES_RETRIED.inc()
                self.waiting = True
                log.warning("a batch of %d waits: %s", len(records), errors.exceptions[0])
            else:
                self.waiting = self.busy = False
                return
            await asyncio.sleep(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
            attempt += 1

    def _read(self, records: Sequence[ConsumerRecord]) -> tuple[list[MessageRequested], list[Bad]]:
        requests: list[MessageRequested] = []
        bad: list[Bad] = []
        for record in records:
            try:
                requests.append(decode(outbound_events, record.value))
                self._parked_in_a_row = 0
            except PoisonError as error:
                bad.append((record, error))
                self._parked_in_a_row += 1
                if self._parked_in_a_row > MAX_PARKED_IN_A_ROW:
                    raise TooManyParkedError(
                        f"{MAX_PARKED_IN_A_ROW} records in a row of {record.topic} cannot be read, the last at offset"
                        f" {record.offset} of partition {record.partition} ({error}); find what writes them"
                    ) from None
        return requests, bad

    async def _park(self, bad: Sequence[Bad]) -> None:
        """Park the bad records that are not parked yet, and report those that have an id."""
        if not bad:
            return
        places = [(record.topic, record.partition, record.offset) for record, _ in bad]
        async with self._pool.acquire() as connection:
            new = await not_parked_yet(connection, places)
            mine = [each for each, place in zip(bad, places, strict=True) if place in new]
            await self._reporter.park([_parked(record, error) for record, error in mine])
            rejected = [event for record, error in mine if (event := _rejected(record, error)) is not None]
            if rejected:
                await self._reporter.publish(rejected)
            await note_parked(connection, [place for place in places if place in new])
        for _, error in mine:
            metrics.RECORDS_PARKED.labels(error.reason).inc()


def _parked(record: ConsumerRecord, error: PoisonError) -> ParkedRecord:
    return park(
        service=SOURCE,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        error=error,
        now=datetime.now(UTC),
    )


def _rejected(record: ConsumerRecord, error: PoisonError) -> MessageRejected | None:
    """Return the report for a record with an id that can be read; fields that are none of ours are left out."""
    found = salvage(record.value, "message_id", "account_id", "phone")
    event_id = derived_id(parked_id(record.topic, record.partition, record.offset), "message_rejected")
    phone = found.get("phone", "")
    try:
        return MessageRejected(
            event_id=event_id,
            occurred_at=datetime.now(UTC),
            account_id=found.get("account_id"),
            message_id=found["message_id"],
            phone=phone if E164.fullmatch(phone) else None,
            reason=error.reason,
            detail=error.detail,
        )
    except (KeyError, ValueError):
        return None
