"""Reads `outbound-messages`: polls batches, has each handled until all its messages have an outcome, commits."""

import asyncio
import logging
from collections.abc import Sequence

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.sender import metrics
from services.sender.batch import BatchProcessor, OpenRequests
from services.sender.ledger.model import MessageKey, key_of
from services.sender.park import park_bad
from services.sender.report import SOURCE
from services.sender.settings import SenderSettings
from services.sender.traces import traced_batch
from shared.background import GiveUp
from shared.consumer import Polled, first_offset
from shared.errors import TransientError
from shared.event_records import read_events
from shared.events.outbound import MessageCancelRequested, MessageRequested, outbound_event_adapter
from shared.failpoints import failpoint
from shared.kafka import START_SECONDS, STOP_SECONDS, group_options, new_consumer, stop_quietly, try_commit, within
from shared.parked_records import Bad
from shared.parking import Parking
from shared.places import naming, place_of
from shared.topics import OUTBOUND_MESSAGES

log = logging.getLogger(__name__)

_POLL_MS = 1_000
_RETRY_SECONDS = 1.0
_BACKOFF_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)


class OutboundHandler:
    """The handler of batches: it tries until every message of a batch has a durable outcome."""

    def __init__(self, processor: BatchProcessor) -> None:
        self._processor = processor
        self._parking = Parking(SOURCE)
        self.is_waiting = False
        """Whether Kafka, Postgres, the cache or the carrier is unavailable and a batch waits for it."""
        self.waits_for = ""
        """The place of the batch that waited last, and the cause."""
        self.busy = False

    async def handle(self, records: Sequence[Polled]) -> None:
        """Return when all records are done; tries as long as that takes.

        Raises:
            TransientError: the sender stops.
        """
        self.busy = True
        with naming(log, records):
            events, bad = read_events(outbound_event_adapter, records)
            open_requests: OpenRequests = {}
            cancelled: list[MessageKey] = []
            for _, event in events:
                match event:
                    case MessageRequested():
                        open_requests.setdefault(key_of(event), event)
                    case MessageCancelRequested(account_id=account_id, message_id=message_id):
                        cancelled.append((account_id, message_id))
            with traced_batch(events):
                await self._finish(open_requests, list(dict.fromkeys(cancelled)), bad, place_of(records))
        self.busy = False

    async def _finish(
        self, open_requests: OpenRequests, cancelled: list[MessageKey], bad: list[Bad], place: str
    ) -> None:
        attempt = 0
        while open_requests or cancelled or bad:
            try:
                await self._attempt(open_requests, cancelled, bad)
            except TransientError as error:
                if self._processor.stopping:
                    raise
                metrics.BATCHES_RETRIED.inc()
                self.is_waiting, self.waits_for = True, f"{place}: {error}"
                log.warning("%d messages wait: %s", len(open_requests), self.waits_for)
                await asyncio.sleep(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                attempt += 1
        self.is_waiting = False

    async def _attempt(self, open_requests: OpenRequests, cancelled: list[MessageKey], bad: list[Bad]) -> None:
        if bad:
            await park_bad(bad, self._parking, self._processor.reporter)
            bad.clear()
        if cancelled:  # first: a message of the same batch has not left
            await self._processor.room.cancel(cancelled)
            cancelled.clear()
        await self._processor.process(open_requests)


class OutboundConsumer:
    """A member of the group, which has one batch handled after the other.

    Args:
        settings: of the service.
        handler: of the batches.
        give_up: called with any unexpected error; reading stops, and nothing is committed.
    """

    def __init__(self, settings: SenderSettings, handler: OutboundHandler, give_up: GiveUp) -> None:
        self.consumer = new_consumer(
            settings.kafka,
            OUTBOUND_MESSAGES,
            **group_options(settings.sender_group_id, settings.session_timeout_seconds),
        )
        self._handler = handler
        self._give_up = give_up
        self._limit_records = settings.batch_records
        self._stop_seconds = settings.stop_seconds
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._handled: dict[TopicPartition, int] = {}
        metrics.LAG.set_function(self._lag)

    def _lag(self) -> int:
        """Return how many records of our partitions are not handled, as far as the consumer has heard of them."""
        return sum(
            max(0, (self.consumer.highwater(partition) or 0) - self._handled.get(partition, 0))
            for partition in self.consumer.assignment()
            if partition in self._handled
        )

    async def start(self) -> None:
        """Join the group and begin to read.

        Raises:
            TransientError: Kafka is unavailable.
        """
        await within(START_SECONDS, self.consumer.start(), "subscribing to outbound-messages")
        self._task = asyncio.create_task(self._run(), name="outbound")

    async def stop(self) -> None:
        """Let the batch under way come to its end, for a time, and leave the group."""
        self._stopping = True
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self._stop_seconds)
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_SECONDS)
        await stop_quietly(self.consumer)

    async def _run(self) -> None:
        try:
            while not self._stopping:
                records = await self._poll()
                if records:
                    await self._handler.handle(records)
                    self._handled |= {TopicPartition(each.topic, each.partition): each.offset + 1 for each in records}
                    failpoint("sender.before_commit")
                    await try_commit(self.consumer, records)
                    failpoint("sender.after_commit")
        except TransientError as error:
            log.info("the sender stops and leaves a batch for its successor: %s", error)
        except Exception as error:  # noqa: BLE001 (whatever it is: the offset is kept, the error goes to `give_up`)
            self._give_up(error)

    async def _poll(self) -> list[Polled]:
        try:
            polled = await self.consumer.getmany(timeout_ms=_POLL_MS, max_records=self._limit_records)
        except KafkaError as error:
            log.warning("reading %s: %r", OUTBOUND_MESSAGES, error)
            await asyncio.sleep(_RETRY_SECONDS)
            return []
        for partition, records in polled.items():
            self._handled.setdefault(partition, first_offset(records[0]))
        return [record for records in polled.values() for record in records]
