"""Messages that must wait: their rows in the sender's database, and the events that say so.

A row of `waiting_messages` has the text and the time; what happens is decided by the row of the ledger. No statement
here lets a message leave: whoever takes a row (`due.py`) has to claim the message in the ledger, as any other (G3).
"""

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import NamedTuple

from services.sender import metrics
from services.sender.gather import gather_all
from services.sender.ledger.model import (
    CANCELLED,
    ERASED,
    NO_OUTCOME,
    MessageKey,
    Row,
    key_of,
    row_of,
    waiting_detail,
)
from services.sender.ledger.owner import Owner
from services.sender.ledger.rows import find
from services.sender.limits.number_use import RATE
from services.sender.report import Reporter
from services.sender.timing import PAUSE, Wait
from shared.events.codec import encode
from shared.events.outbound import MessageRequested
from shared.failpoints import failpoint
from shared.postgres import Connection, Pool, connection_from
from shared.wakeup import Wakeup

_CHUNK_MESSAGES = 500
_CHUNKS_AT_ONCE = 3  # Postgres writes one while events are made of another and Kafka takes a third
_SOON = timedelta(seconds=2)

# A message that has a row in the ledger, other than one that was given back, keeps it: the first request counts. One
# that waits again keeps its request, and the time since when it has waited. A carrier that refused it for its pace does
# so no longer where it waits for something else, such as the morning.
_PUT = f"""
WITH written AS (
    SELECT * FROM unnest(
        string_to_array($1, E'\\n'), string_to_array($2, E'\\n'), string_to_array($3, E'\\n')::bigint[],
        string_to_array($4, E'\\n'), string_to_array($5, E'\\n'), string_to_array($6, E'\\n'), $7::timestamptz[],
        string_to_array($8, E'\\n')
    ) AS w (account_id, message_id, list_id, phone, sender_number, detail, until, request)
), ours AS (
    INSERT INTO messages AS m
        (account_id, message_id, list_id, phone, sender_number, state, detail, decision_started_at, changed_at, owner)
    SELECT account_id, message_id, list_id, phone, sender_number, 'waiting', detail, $9::timestamptz, now(), $10::bigint
    FROM written
    ON CONFLICT (account_id, message_id) DO UPDATE SET
        state = excluded.state, detail = excluded.detail, owner = excluded.owner, changed_at = now(),
        throttled_since = CASE WHEN excluded.detail LIKE ANY (ARRAY['% {PAUSE}', '% {RATE}']) THEN m.throttled_since END
    WHERE m.state = 'pending'
    RETURNING account_id, message_id, changed_at
), put AS (
    INSERT INTO waiting_messages (account_id, message_id, due_at, take_at, waits_since, request)
    SELECT account_id, message_id, until, until, now(), request FROM written JOIN ours USING (account_id, message_id)
    ON CONFLICT (account_id, message_id) DO UPDATE SET
        due_at = excluded.due_at, take_at = excluded.take_at, owner = 0
)
SELECT account_id, message_id, changed_at FROM ours
"""  # noqa: S608 (no value from outside)

# A message that was not requested yet gets a row without a recipient: when it is requested, it has its outcome. One
# whose carrier may be called is cancelled if it is given back (`ledger/rows.py`): until then its row stays as it is.
_CANCEL = """
WITH cancelled AS (
    INSERT INTO messages AS m
        (account_id, message_id, list_id, phone, sender_number, state, detail, decision_started_at, changed_at, owner)
    SELECT account_id, message_id, 0, '', '', 'rejected', $3, now(), now(), $4::bigint
    FROM unnest($1::text[], $2::text[]) AS c (account_id, message_id)
    ON CONFLICT (account_id, message_id) DO UPDATE SET
        state = CASE WHEN m.state = 'dispatching' THEN m.state ELSE excluded.state END,
        detail = CASE WHEN m.state = 'dispatching' THEN m.detail ELSE excluded.detail END,
        owner = CASE WHEN m.state = 'dispatching' THEN m.owner ELSE excluded.owner END,
        changed_at = CASE WHEN m.state = 'dispatching' THEN m.changed_at ELSE excluded.changed_at END,
        cancel_asked = true
    WHERE m.state IN ('pending', 'waiting', 'dispatching')
    RETURNING account_id, message_id, state
), gone AS (
    DELETE FROM waiting_messages w USING cancelled c
    WHERE w.account_id = c.account_id AND w.message_id = c.message_id AND c.state = 'rejected'
)
SELECT count(*) FROM cancelled WHERE state = 'rejected'
"""


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
                written = await put_rows(connection, self._owner.number, waiting, started_at)
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
            cancelled = await cancel_rows(connection, self._owner.number, keys)
            rows = await find(connection, keys)
        failpoint("sender.after_cancelled_rows")
        known = [row for row in rows.values() if row.state not in NO_OUTCOME and not _has_nobody_to_name(row)]
        if known:
            await self._reporter.publish(known)
        metrics.CANCELLED.inc(cancelled)


def _has_nobody_to_name(row: Row) -> bool:
    """Say whether the event of this row would need the phone of a recipient who was erased."""
    return row.phone == ERASED and row.state != "rejected"


class PutRows(NamedTuple):
    """The result of `put_rows`: the keys that are not ours, and the `changed_at` of the rows that are."""

    not_ours: AbstractSet[MessageKey]
    changed_at: datetime


async def put_rows(
    connection: Connection, owner: int, waiting: Sequence[WaitingMessage], decision_started_at: datetime
) -> PutRows:
    """Write messages that wait, unless they have a row in the ledger; one that was given back waits again."""
    requests = [request for request, _ in waiting]
    rows = await connection.fetch(
        _PUT,
        "\n".join([request.account_id for request in requests]),
        "\n".join([request.message_id for request in requests]),
        "\n".join([str(request.list_id) for request in requests]),
        "\n".join([request.phone for request in requests]),
        "\n".join([request.sender_number for request in requests]),
        "\n".join([waiting_detail(*wait) for _, wait in waiting]),
        [wait.until for _, wait in waiting],
        "\n".join([encode(request).decode() for request in requests]),
        decision_started_at,
        owner,
    )
    ours = {(row[0], row[1]) for row in rows}
    changed_at = rows[0][2] if rows else decision_started_at
    return PutRows(set(map(key_of, requests)) - ours, changed_at)


async def cancel_rows(connection: Connection, owner: int, keys: Sequence[MessageKey]) -> int:
    """Reject messages that nobody has begun to send, known or not; return how many.

    Those whose carrier may be called are rejected if it was not called after all.
    """
    accounts, messages = [key[0] for key in keys], [key[1] for key in keys]
    return int(await connection.fetchval(_CANCEL, accounts, messages, CANCELLED, owner))
