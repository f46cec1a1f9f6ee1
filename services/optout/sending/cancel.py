"""Cancels messages that the sender has: noted in the database, then asked for through Kafka by the API's processes.

The sender decides: what has left has left. Whoever dies in between asks again, which changes nothing.
"""

from services.optout.sending.outbound import OutboundRequests
from shared.events.outbound import MessageCancelRequested
from shared.postgres import Connection, Pool, connection_from

_AT_ONCE = 500

ASK = """
UPDATE messages SET cancel_asked_at = now()
WHERE account_id = $1 AND status = 'waiting' AND ($2::text IS NULL OR message_id = $2)
    AND ($3::text IS NULL OR custom_string = $3)
"""
# Also what is still on its way to the sender: it may have to wait there.
ASK_OF_CAMPAIGN = """
UPDATE messages SET cancel_asked_at = now()
WHERE account_id = $1 AND campaign_id = $2 AND status IN ('publishing', 'queued', 'waiting')
"""
ASKED = """
SELECT account_id, message_id, cancel_asked_at FROM messages WHERE cancel_asked_at IS NOT NULL
ORDER BY cancel_asked_at LIMIT $1
"""
DONE = """
UPDATE messages m SET cancel_asked_at = NULL
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS done (account_id, message_id, asked_at)
WHERE m.account_id = done.account_id AND m.message_id = done.message_id AND m.cancel_asked_at = done.asked_at
"""


async def ask_to_cancel(
    connection: Connection, account_id: str, *, message_id: str | None = None, custom_string: str | None = None
) -> int:
    """Note that waiting messages are to be cancelled: one, those with a custom string, or all; return how many."""
    return _count(await connection.execute(ASK, account_id, message_id, custom_string))


async def ask_to_cancel_campaign(connection: Connection, account_id: str, campaign_id: int) -> int:
    """Note that what has not left of a campaign is to be cancelled; return how many messages that are at most."""
    return _count(await connection.execute(ASK_OF_CAMPAIGN, account_id, campaign_id))


async def cancel_asked(pool: Pool, outbound: OutboundRequests) -> int:
    """Ask the sender to cancel some of the messages that were noted; return how many.

    Raises:
        TransientError: Kafka or Postgres is unavailable; they are asked for later.
    """
    async with connection_from(pool) as connection:
        asked = await connection.fetch(ASKED, _AT_ONCE)
    if not asked:
        return 0
    await outbound.publish(
        [
            MessageCancelRequested(account_id=account_id, message_id=message_id, requested_at=at)
            for account_id, message_id, at in asked
        ]
    )
    async with connection_from(pool) as connection:
        await connection.execute(DONE, *(list(column) for column in zip(*asked, strict=True)))
    return len(asked)


def _count(command: str) -> int:
    return int(command.rsplit(maxsplit=1)[-1])
