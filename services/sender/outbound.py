"""Topic `outbound-messages`: a batch is done when every message of it has a durable fate."""

import asyncio
import logging
from collections.abc import Sequence

from aiokafka import ConsumerRecord

from services.sender import metrics
from services.sender.batch import BatchProcessor, Waiting
from services.sender.ledger.rows import key_of
from services.sender.park import park_bad
from services.sender.reading import Bad, read
from shared.errors import TransientError
from shared.parking import MAX_PARKED_IN_A_ROW

log = logging.getLogger(__name__)

_BACKOFF_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)


class OutboundHandler:
    """Handles the batches of one subscriber, one after the other."""

    def __init__(self, processor: BatchProcessor) -> None:
        self._processor = processor
        self._bad_in_a_row = 0
        self.waiting = False
        """Whether Kafka, Postgres, the cache or the carrier is away and a batch waits for it."""
        self.busy = False
        self.halted = False
        """Whether so many bad records stand in a row that a producer must be broken: a person has to look."""

    async def handle(self, records: Sequence[ConsumerRecord]) -> Sequence[ConsumerRecord]:
        """Return the records that are done: all, or those before too many bad ones; tries as long as that takes.

        Raises:
            TransientError: the sender stops.
        """
        self.busy = True
        found = read(records, self._bad_in_a_row, MAX_PARKED_IN_A_ROW)
        # Of several with one id the first counts.
        waiting = {key_of(request): request for request in reversed(found.requests)}
        await self._finish(dict(reversed(waiting.items())), found.bad)
        self._bad_in_a_row = found.bad_in_a_row
        if len(found.handled) < len(records):
            self._halt(records[len(found.handled)])
        self.busy = False
        return found.handled

    async def _finish(self, waiting: Waiting, bad: list[Bad]) -> None:
        attempt = 0
        while waiting or bad:
            try:
                await self._attempt(waiting, bad)
            except TransientError as error:
                if self._processor.dispatcher.stopping:
                    raise
                metrics.BATCHES_RETRIED.inc()
                self.waiting = True
                log.warning("%d messages wait: %s", len(waiting), error)
                await asyncio.sleep(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                attempt += 1
        self.waiting = False

    async def _attempt(self, waiting: Waiting, bad: list[Bad]) -> None:
        if bad:
            await park_bad(bad, self._processor.pool, self._processor.reporter)
            bad.clear()
        await self._processor.process(waiting)

    def _halt(self, record: ConsumerRecord) -> None:
        metrics.HALTED.set(1)
        self.halted = True
        log.critical(
            "halted, nothing is sent: more than %d records in a row cannot be read, the next one at offset %d of"
            " partition %d of %s; find what writes them, then restart this service",
            MAX_PARKED_IN_A_ROW,
            record.offset,
            record.partition,
            record.topic,
        )
