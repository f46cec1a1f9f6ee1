"""Rows whose call has no result: locked, published, then settled, in one transaction of the caller.

The event goes out before the row changes: a crash between the two publishes it once more; it is never lost.
"""

from collections.abc import Sequence
from datetime import timedelta

from services.sender.ledger.model import MessageKey, Row, Settled
from services.sender.ledger.owner import LIVING
from services.sender.ledger.rows import columns
from shared.postgres import Connection

# `now()` is constant within a transaction: it is what the row will have as `changed_at` when it is settled in this one.
_COLUMNS = "m.account_id, m.message_id, list_id, phone, sender_number, state, detail, decision_started_at, now()"

_LOST_CALLS = f"""
SELECT {_COLUMNS} FROM messages m
WHERE state = 'dispatching' AND owner <> $4 AND changed_at < now() - $2::interval
    AND (changed_at < now() - $1::interval OR owner NOT IN ({LIVING}))
ORDER BY changed_at LIMIT $3 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 (no value from outside)

_WITHOUT_ANSWER = f"""
SELECT {_COLUMNS} FROM messages m
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
    """Return, and lock, calls that are older than any call may be, or old enough and of a process that is gone.

    Those of `own`, the owner who asks, are never lost: it settles them itself, also when it has slept.
    """
    return [Row(*row) for row in await connection.fetch(_LOST_CALLS, older_than, ownerless_after, limit, own)]


async def lock_without_answer(connection: Connection, keys: Sequence[MessageKey]) -> list[Row]:
    """Return, and lock, those of the messages whose call has no answer."""
    rows = await connection.fetch(_WITHOUT_ANSWER, [key[0] for key in keys], [key[1] for key in keys])
    return [Row(*row) for row in rows]


async def settle_locked(connection: Connection, settled: Sequence[Settled]) -> None:
    """Settle rows that this transaction has locked."""
    await connection.execute(_SETTLE_LOCKED, *columns(settled))
