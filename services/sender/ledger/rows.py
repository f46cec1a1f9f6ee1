"""Rows of the ledger, in bulk: found, written, settled; and those whose call has no result.

The latter are locked, published, then settled, in one transaction of the caller. The event goes out before the row
changes: a crash between the two publishes it once more; it is never lost.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from services.sender.ledger.model import CANCELLED, LedgerState, MessageKey, Row, RowUpdate, key_of
from services.sender.ledger.owner import LIVING
from shared.events.outbound import MessageRequested
from shared.postgres import Connection

_COLUMNS = "account_id, message_id, list_id, phone, sender_number, state, detail, decision_started_at, changed_at"

_FIND = f"""
SELECT {_COLUMNS} FROM messages
JOIN unnest($1::text[], $2::text[]) AS wanted (account_id, message_id) USING (account_id, message_id)
"""  # noqa: S608 (no value from outside)

# One row per id, forever: whoever inserts it, or finds it pending, owns the message; nobody else does. The columns come
# as lines: asyncpg asks of every element of an array whether it is an array itself, which takes as long as Postgres.
_WRITE = f"""
INSERT INTO messages AS m ({_COLUMNS}, owner)
SELECT account_id, message_id, list_id, phone, sender_number, $7::text, detail, $8::timestamptz, now(), $9::bigint
FROM unnest(
    string_to_array($1, E'\\n'), string_to_array($2, E'\\n'), string_to_array($3, E'\\n')::bigint[],
    string_to_array($4, E'\\n'), string_to_array($5, E'\\n'), string_to_array($6, E'\\n', '')
) AS written (account_id, message_id, list_id, phone, sender_number, detail)
ON CONFLICT (account_id, message_id) DO UPDATE SET
    list_id = excluded.list_id, phone = excluded.phone, sender_number = excluded.sender_number,
    state = excluded.state, detail = excluded.detail, owner = excluded.owner,
    decision_started_at = excluded.decision_started_at, changed_at = now()
WHERE m.state = 'pending'
RETURNING account_id, message_id, changed_at
"""  # noqa: S608 (no value from outside)

# The sweeper may have been first: a call result then still counts, but a message it gave up is not decided again;
# nor is one that was to be cancelled meanwhile.
_SETTLE = """
UPDATE messages m SET
    state = CASE
        WHEN settled.state = 'pending' AND m.cancel_asked THEN 'rejected'
        WHEN is_throttled AND m.throttled_since < now() - $7::interval THEN 'failed'
        ELSE settled.state END,
    detail = CASE WHEN settled.state = 'pending' AND m.cancel_asked THEN $8 ELSE settled.detail END,
    throttled_since = CASE WHEN is_throttled THEN coalesce(m.throttled_since, now()) ELSE m.throttled_since END,
    changed_at = now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $6::boolean[])
    AS settled (account_id, message_id, state, detail, is_throttled)
WHERE m.account_id = settled.account_id AND m.message_id = settled.message_id AND m.owner = $5
    AND (m.state = 'dispatching' OR m.state = 'unknown' AND settled.state IN ('sent', 'failed'))
RETURNING m.account_id, m.message_id, m.state, m.detail, m.changed_at
"""
THROTTLED_FOR = timedelta(hours=1)

NewRow = tuple[MessageRequested, str | None]
"""A message, and the detail that its row gets: one line."""


async def find(connection: Connection, keys: Sequence[MessageKey]) -> dict[MessageKey, Row]:
    """Return the rows that there are."""
    rows = await connection.fetch(_FIND, [key[0] for key in keys], [key[1] for key in keys])
    return {(row[0], row[1]): Row(*row) for row in rows}


@dataclass(frozen=True, slots=True)
class WrittenRows:
    """The result of `write_rows`: the keys that are not ours, and the `changed_at` of the rows that are."""

    not_ours: AbstractSet[MessageKey]
    changed_at: datetime


async def write_rows(
    connection: Connection,
    owner: int,
    state: Literal["dispatching", "suppressed", "rejected"],
    new: Sequence[NewRow],
    decision_started_at: datetime,
) -> WrittenRows:
    """Write rows for ids that have none, or a pending one; of two processes that write one id, it is ours or theirs.

    `dispatching` claims messages for a call. `suppressed` and `rejected` are their outcome at once.
    """
    requests = [request for request, _ in new]
    rows = await connection.fetch(
        _WRITE,
        "\n".join([request.account_id for request in requests]),
        "\n".join([request.message_id for request in requests]),
        "\n".join([str(request.list_id) for request in requests]),
        "\n".join([request.phone for request in requests]),
        "\n".join([request.sender_number for request in requests]),
        "\n".join([detail or "" for _, detail in new]),
        state,
        decision_started_at,
        owner,
    )
    changed_at = rows[0][2] if rows else decision_started_at
    if len(rows) == len(new):
        return WrittenRows(frozenset(), changed_at)
    return WrittenRows(set(map(key_of, requests)) - {(row[0], row[1]) for row in rows}, changed_at)


class Settled(NamedTuple):
    """The state and the detail that a row has got, and when."""

    state: LedgerState
    detail: str | None
    changed_at: datetime


async def settle(
    connection: Connection, owner: int, settled: Sequence[RowUpdate], throttled_for: timedelta = THROTTLED_FOR
) -> dict[MessageKey, Settled]:
    """Write what became of the owner's claims; return the keys whose rows were still open.

    A message that its carrier has refused for its pace alone is decided again for as long as `throttled_for`. One that
    was to be cancelled during the call, and that the carrier has not got, is rejected.
    """
    are_throttled = [each.is_throttled for each in settled]
    rows = await connection.fetch(_SETTLE, *columns(settled), owner, are_throttled, throttled_for, CANCELLED)
    return {(row[0], row[1]): Settled(*row[2:]) for row in rows}


def columns(settled: Sequence[RowUpdate]) -> list[list[str | None]]:
    """Return accounts, message ids, states and details."""
    return [
        [each.key[0] for each in settled],
        [each.key[1] for each in settled],
        [each.state for each in settled],
        [each.detail for each in settled],
    ]


# `now()` is constant within a transaction: it is what the row will have as `changed_at` when it is settled in this one.
_LOCKED_COLUMNS = "m.account_id, m.message_id, list_id, phone, sender_number, state, detail, decision_started_at, now()"

_LOST_CALLS = f"""
SELECT {_LOCKED_COLUMNS} FROM messages m
WHERE state = 'dispatching' AND owner <> $4 AND changed_at < now() - $2::interval
    AND (changed_at < now() - $1::interval OR owner NOT IN ({LIVING}))
ORDER BY changed_at LIMIT $3 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 (no value from outside)

_WITHOUT_RESULT = f"""
SELECT {_LOCKED_COLUMNS} FROM messages m
JOIN unnest($1::text[], $2::text[]) AS wanted (account_id, message_id) USING (account_id, message_id)
WHERE state IN ('dispatching', 'unknown')
ORDER BY m.account_id, m.message_id FOR UPDATE OF m
"""  # noqa: S608 (no value from outside)

_SETTLE_LOCKED = """
UPDATE messages m SET state = settled.state, detail = settled.detail, changed_at = now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS settled (account_id, message_id, state, detail)
WHERE m.account_id = settled.account_id AND m.message_id = settled.message_id
"""


async def lock_lost_calls(
    connection: Connection, own: int, older_than: timedelta, ownerless_after: timedelta, limit: int
) -> list[Row]:
    """Return, and lock, calls older than any call may be, or old enough and of a process that has lost its lock.

    Those of `own`, the owner who asks, are never lost: it settles them itself, also when it has slept.
    """
    return [Row(*row) for row in await connection.fetch(_LOST_CALLS, older_than, ownerless_after, limit, own)]


async def lock_calls_without_result(connection: Connection, keys: Sequence[MessageKey]) -> list[Row]:
    """Return, and lock, those of the messages whose call has no result."""
    rows = await connection.fetch(_WITHOUT_RESULT, [key[0] for key in keys], [key[1] for key in keys])
    return [Row(*row) for row in rows]


async def settle_locked(connection: Connection, settled: Sequence[RowUpdate]) -> None:
    """Settle rows that this transaction has locked."""
    await connection.execute(_SETTLE_LOCKED, *columns(settled))
