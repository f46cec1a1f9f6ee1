"""Topic `outbound-messages`: a batch is done when every message of it has a durable outcome."""

import asyncio
import logging
from collections.abc import Sequence

from services.sender import metrics
from services.sender.batch import BatchProcessor, Waiting
from services.sender.events import SOURCE
from services.sender.ledger.model import key_of
from services.sender.park import park_bad
from shared.consumer import Polled
from shared.errors import TransientError
from shared.events.outbound import outbound_events
from shared.flood import Bad, Parking
from shared.places import naming, place_of
from shared.reading import read_events

log = logging.getLogger(__name__)

_BACKOFF_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)


class OutboundHandler:
    """The handler of the batches of one subscriber, one after the other."""

    def __init__(self, processor: BatchProcessor) -> None:
        self._processor = processor
        self._parking = Parking(SOURCE)
        self.waiting = False
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
            events, bad = read_events(outbound_events, records)
            waiting: Waiting = {}
            for _, request in events:
                waiting.setdefault(key_of(request), request)
            await self._finish(waiting, bad, place_of(records))
        self.busy = False

    async def _finish(self, waiting: Waiting, bad: list[Bad], place: str) -> None:
        attempt = 0
        while waiting or bad:
            try:
                await self._attempt(waiting, bad)
            except TransientError as error:
                if self._processor.dispatcher.stopping:
                    raise
                metrics.BATCHES_RETRIED.inc()
                self.waiting, self.waits_for = True, f"{place}: {error}"
                log.warning("%d messages wait: %s", len(waiting), self.waits_for)
                await asyncio.sleep(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                attempt += 1
        self.waiting = False

    async def _attempt(self, waiting: Waiting, bad: list[Bad]) -> None:
        if bad:
            await park_bad(bad, self._parking, self._processor.reporter)
            bad.clear()
        await self._processor.process(waiting)
