"""The sender's part of the group on `outbound-messages`: a batch, its handler, its offsets, one after the other."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from aiokafka.errors import KafkaError

from services.sender.settings import SenderSettings
from shared.background import GiveUp
from shared.consumer import Polled
from shared.errors import TransientError
from shared.failpoints import failpoint
from shared.kafka import START_SECONDS, STOP_SECONDS, commit, group_options, new_consumer, stop_quietly, within
from shared.topics import OUTBOUND_MESSAGES

log = logging.getLogger(__name__)

HandleBatch = Callable[[Sequence[Polled]], Awaitable[None]]

_POLL_MS = 1_000
_RETRY_SECONDS = 1.0


class OutboundConsumer:
    """A member of the group; `handle` is called with a batch and returns when it is done.

    Args:
        settings: of the service.
        handle: raises `TransientError` only where the sender stops: its batch is left for the successor.
        give_up: called with a bug, which ends all reading: offsets are kept.
    """

    def __init__(self, settings: SenderSettings, handle: HandleBatch, give_up: GiveUp) -> None:
        self.consumer = new_consumer(
            settings.kafka,
            OUTBOUND_MESSAGES,
            **group_options(settings.sender_group_id, settings.session_timeout_seconds),
        )
        self._handle = handle
        self._give_up = give_up
        self._limit_records = settings.batch_records
        self._stop_seconds = settings.stop_seconds
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

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
                    await self._handle(records)
                    failpoint("sender.before_commit")
                    await commit(self.consumer, records)
                    failpoint("sender.after_commit")
        except TransientError as error:
            log.info("a batch is left for later: %s", error)
        except Exception as error:  # noqa: BLE001 (whatever it is: the offset is kept, the error goes to `give_up`)
            self._give_up(error)

    async def _poll(self) -> list[Polled]:
        try:
            polled = await self.consumer.getmany(timeout_ms=_POLL_MS, max_records=self._limit_records)
        except KafkaError as error:
            log.warning("reading %s: %r", OUTBOUND_MESSAGES, error)
            await asyncio.sleep(_RETRY_SECONDS)
            return []
        return [record for records in polled.values() for record in records]
