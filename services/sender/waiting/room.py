"""Messages that must wait: written into the sender's database, then published as waiting."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.sender import metrics
from services.sender.gather import gather_all
from services.sender.ledger.model import ERASED, NO_OUTCOME, MessageKey, Row, key_of, row_of, waiting_detail
from services.sender.ledger.owner import Owner
from services.sender.ledger.rows import find
from services.sender.report import Reporter
from services.sender.timing import Wait
from services.sender.waiting.rows import cancel, put
from shared.events.outbound import MessageRequested
from shared.failpoints import failpoint
from shared.postgres import Pool, connection_from
from shared.wakeup import Wakeup

_CHUNK_MESSAGES = 500
_CHUNKS_AT_ONCE = 3  # Postgres writes one while events are made of another and Kafka takes a third
_SOON = timedelta(seconds=2)

WaitingMessage = tuple[MessageRequested, Wait]


class WaitingRoom:
    """The messages that wait for their time, as far as they are put there; the waker takes them out."""

    def __init__(self, pool: Pool, owner: Owner, reporter: Reporter) -> None:
        self._pool = pool
        self._owner = owner
        self._reporter = reporter
        self._chunks = asyncio.Semaphore(_CHUNKS_AT_ONCE)
        self.soon = Wakeup()
        """Woken when a message was put that waits for a short time: the waker looks earlier."""

    async def put(self, waiting: Sequence[WaitingMessage], started_at: datetime) -> list[MessageRequested]:
        """Have messages wait, each until its time; return those that have a row already.

        Args:
            waiting: the messages.
            started_at: when their decision started.

        Raises:
            TransientError: Postgres or Kafka is unavailable.
        """
        begins = range(0, len(waiting), _CHUNK_MESSAGES)
        chunks = (waiting[begin : begin + _CHUNK_MESSAGES] for begin in begins)
        not_ours = await gather_all(self._chunk(chunk, started_at) for chunk in chunks)
        return [request for each in not_ours for request in each]

    async def _chunk(self, waiting: Sequence[WaitingMessage], started_at: datetime) -> list[MessageRequested]:
        async with self._chunks:
            async with connection_from(self._pool) as connection:
                written = await put(connection, self._owner.number, waiting, started_at)
            failpoint("sender.after_waiting_rows")
            ours = [each for each in waiting if key_of(each[0]) not in written.not_ours]
            at = started_at, written.changed_at
            if ours:
                await self._reporter.publish(
                    row_of(request, "waiting", waiting_detail(*wait), *at) for request, wait in ours
                )
            failpoint("sender.after_waiting_events")
            for _, wait in ours:
                metrics.WAITS.labels(wait.reason).inc()
            if ours and min(wait.until for _, wait in ours) - started_at < _SOON:
                self.soon.wake()
            return [request for request, _ in waiting if key_of(request) in written.not_ours]

    async def cancel(self, keys: Sequence[MessageKey]) -> None:
        """Cancel messages that have not left, also before they are requested; publish the outcomes that there are.

        A message that somebody calls the carrier for has its outcome published by them: also that it is cancelled,
        where the carrier was not called after all, or did not take it because of the pace.

        Raises:
            TransientError: Postgres or Kafka is unavailable; cancelled again, the outcome is the same.
        """
        async with connection_from(self._pool) as connection:
            cancelled = await cancel(connection, self._owner.number, keys)
            rows = await find(connection, keys)
        failpoint("sender.after_cancelled_rows")
        known = [row for row in rows.values() if row.state not in NO_OUTCOME and not _has_nobody_to_name(row)]
        if known:
            await self._reporter.publish(known)
        metrics.CANCELLED.inc(cancelled)


def _has_nobody_to_name(row: Row) -> bool:
    """Say whether the event of this row would need the phone of a recipient who was erased."""
    return row.phone == ERASED and row.state != "rejected"
