"""Rows of waiting messages that are due: found, taken by one process, let go or removed.

A row that is taken names its owner. It is free again as soon as that process has lost its lock in Postgres, by which
other processes know that it has died (`services/sender/ledger/owner.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from services.sender.ledger.model import MessageKey, Row, rejected_detail
from services.sender.ledger.owner import LIVING
from shared.postgres import Connection

_LOOK = """
SELECT clock_timestamp() AS database_now, next.take_at, next.due_at
FROM (SELECT) AS always LEFT JOIN LATERAL (
    SELECT take_at, due_at FROM waiting_messages ORDER BY take_at LIMIT 1
) AS next ON true
"""

# The rows that are locked beyond the limit of bytes are free again when the statement ends. What is taken is decided as
# any message that was given back: cancelling and claiming are one look at the row of the ledger.
_TAKE = f"""
WITH due AS MATERIALIZED (
    SELECT account_id, message_id, take_at, octet_length(request) AS size FROM waiting_messages
    WHERE take_at <= $2 AND (owner = 0 OR owner = $1 AND $5 OR owner <> ALL (ARRAY({LIVING})))
    ORDER BY take_at LIMIT $3 FOR UPDATE SKIP LOCKED
), picked AS MATERIALIZED (
    SELECT account_id, message_id FROM (
        SELECT *, sum(size) OVER (ORDER BY take_at, account_id, message_id) - size AS before FROM due
    ) AS sized WHERE before < $4
), woken AS (
    UPDATE messages m SET state = 'pending', changed_at = now() FROM picked s
    WHERE m.account_id = s.account_id AND m.message_id = s.message_id AND m.state = 'waiting'
)
UPDATE waiting_messages w SET owner = $1 FROM picked s
WHERE w.account_id = s.account_id AND w.message_id = s.message_id
RETURNING w.account_id, w.message_id, w.request
"""  # noqa: S608 (no value from outside)

# Those that wait again are not removed.
_REMOVE = """
DELETE FROM waiting_messages w USING unnest($1::text[], $2::text[]) AS done (account_id, message_id), messages m
WHERE w.account_id = done.account_id AND w.message_id = done.message_id AND w.owner = $3
    AND m.account_id = done.account_id AND m.message_id = done.message_id
    AND m.state NOT IN ('pending', 'waiting', 'dispatching')
"""

_LET_GO = """
UPDATE waiting_messages w SET owner = 0, take_at = greatest(take_at, now() + undone.after)
FROM unnest($1::text[], $2::text[], $3::interval[]) AS undone (account_id, message_id, after)
WHERE w.account_id = undone.account_id AND w.message_id = undone.message_id AND w.owner = $4
"""

_REJECT = """
UPDATE messages m SET state = 'rejected', detail = unreadable.detail, changed_at = now()
FROM unnest($1::text[], $2::text[], $3::text[]) AS unreadable (account_id, message_id, detail)
WHERE m.account_id = unreadable.account_id AND m.message_id = unreadable.message_id AND m.state = 'pending'
RETURNING m.account_id, m.message_id, list_id, phone, sender_number, state, m.detail, decision_started_at, changed_at
"""

# How many there are, up to a limit: counting all of very many takes too long.
_COUNT = "SELECT count(*) FROM (SELECT FROM waiting_messages LIMIT $1) AS counted"


class Look(NamedTuple):
    """The clock of the database, and the row that is next: when it can be taken, and when it was due; None: no row."""

    database_now: datetime
    take_at: datetime | None
    due_at: datetime | None


class TakenRow(NamedTuple):
    """A row that this process has taken; `request` is the event as JSON."""

    account_id: str
    message_id: str
    request: str

    @property
    def key(self) -> MessageKey:
        return self.account_id, self.message_id


async def look(connection: Connection) -> Look:
    """Return the time, and what is next."""
    (row,) = await connection.fetch(_LOOK)
    return Look(*row)


@dataclass(frozen=True, slots=True)
class TakeLimits:
    """The limits on what is taken at once."""

    rows: int = 2_000
    bytes: int = 8 * 1024 * 1024


async def take(
    connection: Connection, owner: int, now: datetime, limits: TakeLimits, *, has_none: bool = True
) -> list[TakenRow]:
    """Take rows that are due, the oldest first.

    Where the owner `has_none` now, those are among them that it has taken before without getting to know of it.
    """
    rows = await connection.fetch(_TAKE, owner, now, limits.rows, limits.bytes, has_none)
    return [TakenRow(*row) for row in rows]


async def remove(connection: Connection, owner: int, keys: Sequence[MessageKey]) -> None:
    """Remove the rows of messages that have their outcome."""
    await connection.execute(_REMOVE, [key[0] for key in keys], [key[1] for key in keys], owner)


async def let_go(connection: Connection, owner: int, undone: Mapping[MessageKey, timedelta]) -> None:
    """Have rows taken again, by any process, each after its time."""
    accounts, messages = [key[0] for key in undone], [key[1] for key in undone]
    await connection.execute(_LET_GO, accounts, messages, list(undone.values()), owner)


async def reject_unreadable(connection: Connection, causes: Sequence[tuple[MessageKey, str]]) -> list[Row]:
    """Reject messages whose request cannot be read; return their rows, of those that had no outcome."""
    rows = await connection.fetch(
        _REJECT,
        [key[0] for key, _ in causes],
        [key[1] for key, _ in causes],
        [rejected_detail("unreadable", cause) for _, cause in causes],
    )
    return [Row(*row) for row in rows]


async def count(connection: Connection, limit: int) -> int:
    """Return how many rows there are, `limit` at most."""
    return int(await connection.fetchval(_COUNT, limit))
