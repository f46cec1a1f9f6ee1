"""Erases phones from the ledger: in steps over the account's rows, of which there may be very many."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from services.sender.ledger.model import ERASED
from shared.errors import TransientError
from shared.events.delivery import RecipientErased
from shared.postgres import Connection, Pool, connection_from

log = logging.getLogger(__name__)

ERASED_AFTER = timedelta(seconds=30)
"""A call that was under way has its outcome by then, or was lost."""
_ROWS_AT_ONCE = 10_000
_EVERY_SECONDS = 1.0
_BETWEEN_STEPS_SECONDS = 0.05

_NOTE = """
INSERT INTO erasures AS e (account_id, phone, erased_at, next_step_at)
SELECT account_id, phone, erased_at, now() + $4 FROM unnest($1::text[], $2::text[], $3::timestamptz[])
    AS noted (account_id, phone, erased_at)
ON CONFLICT (account_id, phone) DO UPDATE SET
    erased_at = greatest(e.erased_at, excluded.erased_at), last_message_id = '', next_step_at = excluded.next_step_at
"""

_NEXT = """
SELECT account_id, phone, erased_at, last_message_id FROM erasures WHERE next_step_at <= now()
ORDER BY next_step_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""

# Rows without an outcome keep the phone, since their event needs it: the page is looked at again. `last` is null where
# there are no more rows.
_STEP = """
WITH page AS (
    SELECT message_id, phone, state, decision_started_at FROM messages
    WHERE account_id = $1 AND message_id > $4 ORDER BY message_id LIMIT $6
), done AS (
    UPDATE messages m SET phone = $5 FROM page
    WHERE m.account_id = $1 AND m.message_id = page.message_id AND page.phone = $2 AND page.decision_started_at <= $3
        AND m.state NOT IN ('pending', 'dispatching')
)
SELECT max(message_id) AS last, coalesce(
    bool_or(phone = $2 AND decision_started_at <= $3 AND state IN ('pending', 'dispatching')), false) AS is_open
FROM page
"""
_AGAIN = "UPDATE erasures SET next_step_at = now() + $3 WHERE account_id = $1 AND phone = $2"
_MOVE = "UPDATE erasures SET last_message_id = $3 WHERE account_id = $1 AND phone = $2"
_END = "DELETE FROM erasures WHERE account_id = $1 AND phone = $2"


async def note_erasures(connection: Connection, events: Sequence[RecipientErased]) -> None:
    """Note whose phones are to be erased after a while."""
    newest = {(each.account_id, each.phone): each.occurred_at for each in sorted(events, key=lambda e: e.occurred_at)}
    if newest:
        accounts, phones = zip(*newest, strict=True)
        await connection.execute(_NOTE, accounts, phones, list(newest.values()), ERASED_AFTER)


async def erase_forever(pool: Pool) -> None:
    """Erase phones that are due, in steps, until cancelled; other work comes between any two."""
    while True:
        is_due = False
        try:
            async with connection_from(pool) as connection:
                is_due = await erase_some(connection)
        except TransientError as error:
            log.warning("phones are erased later: %s", error)
        await asyncio.sleep(_BETWEEN_STEPS_SECONDS if is_due else _EVERY_SECONDS)


async def erase_some(connection: Connection) -> bool:
    """Do one step of the erasure that has waited longest; False where none is due."""
    async with connection.transaction():
        erasure = await connection.fetchrow(_NEXT)
        if erasure is None:
            return False
        ((last, is_open),) = await connection.fetch(_STEP, *erasure, ERASED, _ROWS_AT_ONCE)
        who = erasure["account_id"], erasure["phone"]
        if is_open:
            await connection.execute(_AGAIN, *who, ERASED_AFTER)
        elif last is None:
            await connection.execute(_END, *who)
        else:
            await connection.execute(_MOVE, *who, last)
    return True
