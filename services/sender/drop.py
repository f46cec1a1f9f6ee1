"""Messages that must not be sent, suppressed or rejected: written into the ledger, then published."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from services.sender import metrics
from services.sender.gather import gather_all
from services.sender.ledger.model import key_of, row_of
from services.sender.ledger.owner import Owner
from services.sender.ledger.rows import NewRow, write_rows
from services.sender.report import Reporter
from shared.events.outbound import MessageRequested
from shared.failpoints import failpoint
from shared.postgres import Pool, connection_from

_Outcome = Literal["suppressed", "rejected"]

_CHUNK_MESSAGES = 500
_CHUNKS_AT_ONCE = 3  # Postgres writes one while events are made of another and Kafka takes a third


class Dropper:
    """A dropper that works on several chunks at once."""

    def __init__(self, pool: Pool, owner: Owner, reporter: Reporter) -> None:
        self._pool = pool
        self._owner = owner
        self._reporter = reporter
        self._chunks = asyncio.Semaphore(_CHUNKS_AT_ONCE)

    async def drop(self, outcome: _Outcome, dropped: Sequence[NewRow], started_at: datetime) -> list[MessageRequested]:
        """Drop messages, each with its row's detail; return what is not ours to drop.

        That is: another process has it, or it already has an outcome.

        Raises:
            TransientError: Postgres or Kafka is unavailable.
        """
        begins = range(0, len(dropped), _CHUNK_MESSAGES)
        chunks = (dropped[begin : begin + _CHUNK_MESSAGES] for begin in begins)
        not_ours = await gather_all(self._chunk(outcome, chunk, started_at) for chunk in chunks)
        return [request for each in not_ours for request in each]

    async def _chunk(self, outcome: _Outcome, rows: Sequence[NewRow], started_at: datetime) -> list[MessageRequested]:
        async with self._chunks:
            async with connection_from(self._pool) as connection:
                written = await write_rows(connection, self._owner.number, outcome, rows, started_at)
            failpoint("sender.after_drop_rows")
            ours = [row for row in rows if key_of(row[0]) not in written.not_ours] if written.not_ours else rows
            if ours:
                at = started_at, written.changed_at
                await self._reporter.publish(row_of(request, outcome, detail, *at) for request, detail in ours)
            failpoint("sender.after_drop_events")
            metrics.MESSAGES.labels(outcome).inc(len(ours))
            return [request for request, _ in rows if key_of(request) in written.not_ours] if written.not_ours else []
