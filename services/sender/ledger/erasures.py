"""Erases phones from the ledger: in steps over the account's rows, of which there may be very many."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from services.sender.ledger.model import ERASED, Row, rejected_detail
from services.sender.report import Reporter
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

# What counts for a recipient is gone at once; what is sent to somebody who gives consent again is new.
_FORGET = """
DELETE FROM recipient_messages r USING unnest($1::text[], $2::text[]) AS erased (account_id, phone)
WHERE r.account_id = erased.account_id AND r.phone = erased.phone
"""

# What left, or was counted, while the erasure was under way.
_FORGET_REST = """
DELETE FROM recipient_messages r WHERE account_id = $1 AND phone = $2
    AND NOT EXISTS (SELECT FROM unnest(r.times) AS at WHERE at > $3::timestamptz + $4::interval)
"""

_NEXT = """
SELECT account_id, phone, erased_at, last_message_id FROM erasures WHERE next_step_at <= now()
ORDER BY next_step_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""

# Waiting messages to the phone, of the same page: what they would have said goes, and those without an outcome are
# rejected, also if they were due and could not leave.
_END_WAITING = """
WITH page AS (
    SELECT message_id, phone, state FROM messages WHERE account_id = $1 AND message_id > $4 ORDER BY message_id LIMIT $6
), gone AS (
    DELETE FROM waiting_messages w USING page
    WHERE page.phone = $2 AND page.state <> 'dispatching'
        AND w.account_id = $1 AND w.message_id = page.message_id AND w.waits_since <= $3 AND w.owner = 0
    RETURNING w.message_id
)
UPDATE messages m SET state = 'rejected', detail = $7, phone = $5, changed_at = now() FROM gone
WHERE m.account_id = $1 AND m.message_id = gone.message_id AND m.state IN ('pending', 'waiting')
RETURNING m.account_id, m.message_id, m.list_id, m.phone, m.sender_number, m.state, m.detail, m.decision_started_at,
    m.changed_at
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
        AND m.state NOT IN ('pending', 'waiting', 'dispatching')
)
SELECT max(message_id) AS last, coalesce(bool_or(phone = $2 AND (
    decision_started_at <= $3 AND state IN ('pending', 'dispatching')
    OR EXISTS (
        SELECT FROM waiting_messages w
        WHERE w.account_id = $1 AND w.message_id = page.message_id AND w.waits_since <= $3
    )
)), false) AS is_open
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
        await connection.execute(_FORGET, accounts, phones)


async def erase_forever(pool: Pool, reporter: Reporter) -> None:
    """Erase phones that are due, in steps, until cancelled; other work comes between any two."""
    while True:
        is_due = False
        try:
            async with connection_from(pool) as connection:
                is_due = await erase_some(connection, reporter)
        except TransientError as error:
            log.warning("phones are erased later: %s", error)
        await asyncio.sleep(_BETWEEN_STEPS_SECONDS if is_due else _EVERY_SECONDS)


async def erase_some(connection: Connection, reporter: Reporter) -> bool:
    """Do one step of the erasure that has waited longest; False where none is due.

    Raises:
        TransientError: Kafka is unavailable: waiting messages that end here have their outcome published before.
    """
    async with connection.transaction():
        erasure = await connection.fetchrow(_NEXT)
        if erasure is None:
            return False
        page = *erasure, ERASED, _ROWS_AT_ONCE
        ended = await connection.fetch(_END_WAITING, *page, rejected_detail("erased", "the recipient was erased"))
        if ended:
            await reporter.publish(Row(*row) for row in ended)
        ((last, is_open),) = await connection.fetch(_STEP, *page)
        who = erasure["account_id"], erasure["phone"]
        if is_open:
            await connection.execute(_AGAIN, *who, ERASED_AFTER)
        elif last is None:
            await connection.execute(_END, *who)
            await connection.execute(_FORGET_REST, *who, erasure["erased_at"], ERASED_AFTER)
        else:
            await connection.execute(_MOVE, *who, last)
    return True
