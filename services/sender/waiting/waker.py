"""Wakes messages whose time has come: takes their rows, has them decided like all others, and removes what is done.

Any number of processes share the work. A row stays until its message has an outcome in the ledger that is published; so
a crash at any point has the row taken again, and the ledger says whether the carrier was called.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from services.sender import metrics
from services.sender.batch import BatchProcessor, OpenRequests
from services.sender.ledger.model import MessageKey, key_of
from services.sender.ledger.owner import Owner
from services.sender.waiting.due import TakeLimits, TakenRow, count, let_go, look, remove, take
from services.sender.waiting.unreadable import park_unreadable
from shared.background import GiveUp
from shared.errors import PoisonError, TransientError
from shared.events.codec import decode
from shared.events.outbound import MessageRequested, outbound_event_adapter
from shared.failpoints import failpoint
from shared.kafka import STOP_SECONDS
from shared.postgres import Connection, Pool, connection_from
from shared.suppressions.fence_pass import boottime

log = logging.getLogger(__name__)

_LIMITS = TakeLimits()
_LOOK_SECONDS = 1.0
_OTHERS_SECONDS = 0.2
"""Until the next look where others have all that is due."""
_BACKOFF_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)
_AGAIN_AFTER = timedelta(seconds=5)
"""A message that could not leave is tried again after this time, and those after it come first."""
_COUNT_EVERY_SECONDS = 30.0
COUNT_LIMIT = 1_000_000


class Waker:
    """The task that takes due messages, one batch after the other; it takes turns with the messages from Kafka.

    Args:
        pool: of the ledger.
        owner: this process in the ledger.
        processor: decides the messages.
        give_up: called with any unexpected error; rows that were taken stay for another process.
        stop_seconds: how long the batch under way may take to end.
    """

    def __init__(
        self, pool: Pool, owner: Owner, processor: BatchProcessor, give_up: GiveUp, stop_seconds: float
    ) -> None:
        self._pool = pool
        self._owner = owner
        self._processor = processor
        self._give_up = give_up
        self._stop_seconds = stop_seconds
        self._failures = 0
        self._done: list[MessageKey] = []
        self._ahead: asyncio.Task[list[TakenRow]] | None = None
        self._counted_at = -_COUNT_EVERY_SECONDS
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to wake messages."""
        self._task = asyncio.create_task(self._run(), name="waker")

    async def stop(self) -> None:
        """Let the batch under way come to its end, for a time; the processor must be stopping."""
        if self._task is not None:
            self._processor.room.soon.wake()
            await asyncio.wait([self._task], timeout=self._stop_seconds)
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_SECONDS)
        await self._forget_ahead()
        with suppress(TransientError):
            async with connection_from(self._pool) as connection:
                await self._remove_done(connection)

    async def _run(self) -> None:
        try:
            while not self._processor.stopping:
                await self._processor.room.soon.wait(await self._turn())
        except Exception as error:  # noqa: BLE001 (whatever it is: the rows stay, the error goes to `give_up`)
            self._give_up(error)

    async def _turn(self) -> float:
        """Look, and decide what is due; return for how long nothing is to be done."""
        try:
            seconds = await self.wake_due()
        except TransientError as error:
            log.warning("messages whose time has come wait: %s", error)
            metrics.WAKING_RETRIED.inc()
            seconds = _BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS) - 1)]
            self._failures += 1
        else:
            self._failures = 0
        return seconds

    async def wake_due(self) -> float:
        """Decide a batch of messages that are due; return for how many seconds none will be.

        The next batch is taken meanwhile, and the rows of the one before are removed: at most two are in memory.

        Raises:
            TransientError: some could not leave; they are tried again after a while.
        """
        taken = await self._taken_ahead()
        if not taken:
            async with connection_from(self._pool) as connection:
                seconds = await self._look(connection)
                taken = [] if seconds else await self._take(connection, has_none=True)
            if not taken:
                return seconds or _OTHERS_SECONDS
        self._ahead = asyncio.create_task(self._take_ahead(), name="waker, the next batch")
        try:
            await self._handle(taken)
        except BaseException:
            await self._forget_ahead()
            raise
        return 0.0

    async def _look(self, connection: Connection) -> float:
        """Note the time and what is next; return for how long nothing is due, 0: something is."""
        await self._remove_done(connection)
        found = await look(connection)
        self._processor.clock.note(found.database_now)
        await self._count(connection)
        now = self._processor.clock.now()
        overdue = 0.0 if found.due_at is None else (now - found.due_at).total_seconds()
        metrics.OVERDUE_SECONDS.set(max(0.0, overdue))
        if found.take_at is None:
            return _LOOK_SECONDS
        return min(_LOOK_SECONDS, max(0.0, (found.take_at - now).total_seconds()))

    async def _take(self, connection: Connection, *, has_none: bool) -> list[TakenRow]:
        await self._owner.hold()
        now = self._processor.clock.now()
        taken = await take(connection, self._owner.number, now, _LIMITS, has_none=has_none)
        failpoint("sender.after_taken")
        metrics.WOKEN.inc(len(taken))
        return taken

    async def _take_ahead(self) -> list[TakenRow]:
        async with connection_from(self._pool) as connection:
            return [] if await self._look(connection) else await self._take(connection, has_none=False)

    async def _taken_ahead(self) -> list[TakenRow]:
        ahead, self._ahead = self._ahead, None
        return [] if ahead is None else await ahead

    async def _forget_ahead(self) -> None:
        """Leave what is taken ahead: it is still ours in the database, and taken again when nothing else is."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.cancel()
            await asyncio.wait([ahead])

    async def _handle(self, taken: Sequence[TakenRow]) -> None:
        open_requests, bad = _read(taken)
        undone: dict[MessageKey, timedelta] = {}
        try:
            if bad:
                await park_unreadable(self._pool, self._processor.reporter, bad)
            await self._processor.process(open_requests)
        except TransientError:
            again_after = timedelta(0) if self._processor.stopping else _AGAIN_AFTER
            undone = dict.fromkeys([*open_requests, *(row.key for row, _ in bad)], again_after)
            async with connection_from(self._pool) as connection:
                await let_go(connection, self._owner.number, undone)
            raise
        finally:
            self._done += [row.key for row in taken if row.key not in undone and row.key not in open_requests]

    async def _remove_done(self, connection: Connection) -> None:
        done, self._done = self._done, []
        if done:
            await remove(connection, self._owner.number, done)
            failpoint("sender.after_woken")

    async def _count(self, connection: Connection) -> None:
        if boottime() - self._counted_at >= _COUNT_EVERY_SECONDS:
            metrics.WAITING.set(await count(connection, COUNT_LIMIT))
            self._counted_at = boottime()


def _read(taken: Sequence[TakenRow]) -> tuple[OpenRequests, list[tuple[TakenRow, PoisonError]]]:
    """Return the messages by key, and what cannot be read."""
    open_requests: OpenRequests = {}
    bad: list[tuple[TakenRow, PoisonError]] = []
    for row in taken:
        try:
            event = decode(outbound_event_adapter, row.request.encode())
        except PoisonError as error:
            bad.append((row, error))
            continue
        if isinstance(event, MessageRequested) and key_of(event) == row.key:
            open_requests[row.key] = event
        else:
            bad.append((row, PoisonError("invalid", "it is not the request of the message that its row names")))
    return open_requests, bad
