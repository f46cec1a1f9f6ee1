"""Publishes messages when they are due: a task of each process of the API, any number of which share the work.

A message is marked as `publishing`, written to Kafka, then marked as `queued`. One whose process died in between is
published again after a while, with the same id, of which the sender sends one. It is cancelled only while it waits in
the sender (`services/optout/sending/cancel.py`).
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from services.optout.sending.cancel import cancel_asked
from services.optout.sending.outbound import OutboundRequests
from shared.errors import TransientError
from shared.events.outbound import MAX_ALSO_LISTS, MessageRequested
from shared.postgres import Pool, connection_from
from shared.wakeup import Wakeup

log = logging.getLogger(__name__)

_AT_ONCE = 500
_EVERY_SECONDS = 1.0
_AFTER_A_BUG_SECONDS = 10.0

# Claims messages that are due, and those whose claim is old.
CLAIM = """
UPDATE messages m SET status = 'publishing', publish_at = now() + interval '30 seconds', changed_at = now()
FROM (
    SELECT account_id, message_id FROM messages
    WHERE status IN ('scheduled', 'publishing') AND publish_at <= now()
    ORDER BY publish_at LIMIT $1 FOR UPDATE SKIP LOCKED
) due
WHERE m.account_id = due.account_id AND m.message_id = due.message_id
RETURNING m.account_id, m.message_id, m.list_id, m.has_list, m.phone, m.sender_number, m.body, m.created_at,
    m.purpose, m.recipient_state
"""

# Notes that they are in Kafka; an outcome that came meanwhile stays.
NOTE = """
UPDATE messages m SET status = 'queued', changed_at = now()
FROM unnest($1::text[], $2::text[]) AS published (account_id, message_id)
WHERE m.account_id = published.account_id AND m.message_id = published.message_id AND m.status = 'publishing'
"""

# The lists that are sent from these numbers, as far as a request can name them.
LISTS = """
SELECT asked.account_id, asked.sender_number, ARRAY(
    SELECT l.list_id FROM lists_of_senders l
    WHERE l.account_id = asked.account_id AND l.sender_number = asked.sender_number
    ORDER BY l.list_id DESC LIMIT $3
) AS list_ids
FROM unnest($1::text[], $2::text[]) AS asked (account_id, sender_number)
"""


class DueMessages:
    """The messages that are due; `wake` has them looked for at once."""

    def __init__(self, pool: Pool, outbound: OutboundRequests) -> None:
        self._pool = pool
        self._outbound = outbound
        self._due = Wakeup()

    def wake(self) -> None:
        """Look for due messages now: some were added."""
        self._due.wake()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                while await self.publish_due() == _AT_ONCE:
                    continue
                while await cancel_asked(self._pool, self._outbound):
                    continue
            except TransientError as error:
                log.info("messages wait: %s", error)
            except Exception:  # what works beside the API must not end it
                log.exception("messages are not published")
                await asyncio.sleep(_AFTER_A_BUG_SECONDS)
            await self._due.wait(_EVERY_SECONDS)

    async def publish_due(self) -> int:
        """Publish messages that are due, and return how many there were.

        Raises:
            TransientError: Kafka or Postgres is unavailable; they are published later.
        """
        async with connection_from(self._pool) as connection:
            due = await connection.fetch(CLAIM, _AT_ONCE)
            if not due:
                return 0
            numbers = {(row["account_id"], row["sender_number"]) for row in due if not row["has_list"]}
            lists = await connection.fetch(LISTS, *_columns(numbers), MAX_ALSO_LISTS)
        also = {(account_id, number): tuple(list_ids) for account_id, number, list_ids in lists}
        await self._outbound.publish([_request(row, also) for row in due])
        async with connection_from(self._pool) as connection:
            await connection.execute(NOTE, *_columns([(row["account_id"], row["message_id"]) for row in due]))
        return len(due)


def _columns(rows: Any) -> tuple[list[str], list[str]]:
    found: Sequence[tuple[str, str]] = list(rows)
    return [row[0] for row in found], [row[1] for row in found]


def _request(row: Any, also: dict[tuple[str, str], tuple[int, ...]]) -> MessageRequested:
    number = row["account_id"], row["sender_number"]
    return MessageRequested(
        account_id=row["account_id"],
        message_id=row["message_id"],
        list_id=row["list_id"],
        phone=row["phone"],
        sender_number=row["sender_number"],
        body=row["body"],
        requested_at=row["created_at"],
        purpose=row["purpose"],
        recipient_state=row["recipient_state"],
        also_lists=() if row["has_list"] else also[number],
    )
