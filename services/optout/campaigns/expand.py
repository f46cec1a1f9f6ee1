"""One step of a campaign: its next members become messages, as long as the sender keeps up with those before.

Messages and how far the campaign is are written together, then published. A process that dies in between leaves them
`publishing`, and whoever publishes messages that are due takes them over: with the same ids, of which the sender sends
each once.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import ValidationError

from services.optout.address_region import address_region
from services.optout.campaigns.campaign import COLUMNS, Campaign
from services.optout.campaigns.members import Member, count_members, last_contact_id, next_members
from services.optout.campaigns.personalise import personalised
from services.optout.sending.lists_of_numbers import ListOfNumber, add_lists
from services.optout.sending.outbound import OutboundRequests
from shared.events.base import derived_id_text
from shared.events.outbound import MessageRequested
from shared.failpoints import failpoint
from shared.postgres import Connection, Pool, connection_from
from shared.segments import segments_of

CHUNK = 1_000
BACKLOG = 5_000
"""Messages of one campaign that were requested and have no outcome yet, at most."""
MAX_TEXT_CHARACTERS = 1_530
"""Of a personalised text: ten segments. A member whose text is longer is skipped, and counted."""
AT_ONCE_PER_ACCOUNT = 3
PUBLISH_SECONDS = 15.0
"""After this time others publish what a step has not."""
_FULL_SECONDS = 0.2
_BUSY_SECONDS = 0.2

# Takes the campaign that has waited longest, of those that have something to do and that nobody works on now; of each
# account the oldest few. Its row is locked until the transaction ends.
CLAIM = f"""
SELECT {COLUMNS} FROM campaigns c
WHERE c.state IN ('scheduled', 'running') AND c.next_step_at <= now() AND (
    SELECT count(*) FROM campaigns other
    WHERE other.account_id = c.account_id AND other.state = 'running' AND other.campaign_id < c.campaign_id
) < {AT_ONCE_PER_ACCOUNT}
ORDER BY c.next_step_at LIMIT 1 FOR UPDATE OF c SKIP LOCKED
"""  # noqa: S608 (no value from outside)
START = f"""
UPDATE campaigns AS c SET state = 'running', started_at = coalesce(started_at, now()), until_contact_id = $2,
    total_count = $3
WHERE c.campaign_id = $1 RETURNING {COLUMNS}
"""  # noqa: S608 (no value from outside)
WITHOUT_OUTCOME = """
SELECT count(*) FROM messages
WHERE account_id = $1 AND campaign_id = $2 AND status IN ('publishing', 'queued', 'dispatching')
"""
MOVE = """
UPDATE campaigns SET last_contact_id = $2, requested_count = requested_count + $3, skipped_count = skipped_count + $4,
    state = CASE WHEN $5 THEN 'done' ELSE state END, ended_at = CASE WHEN $5 THEN now() END,
    next_step_at = clock_timestamp(), updated_at = now()
WHERE campaign_id = $1
"""
WAIT = "UPDATE campaigns SET next_step_at = now() + make_interval(secs => $2) WHERE campaign_id = $1"
ADD_MESSAGES = """
INSERT INTO messages (account_id, campaign_id, list_id, sender_number, user_id, subaccount_id, source, publish_at,
    status, purpose, message_id, contact_id, phone, body, parts, recipient_state)
SELECT c.account_id, c.campaign_id, c.list_id, c.sender_number, main.subaccount_id, coalesce(c.subaccount_id, 0),
    coalesce(c.given ->> 'source', ''), now() + make_interval(secs => $2), 'publishing', c.purpose, given.*
FROM unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::int[], $8::text[]) AS given
CROSS JOIN campaigns c JOIN subaccounts main ON main.account_id = c.account_id AND main.is_main
WHERE c.campaign_id = $1
ON CONFLICT DO NOTHING
"""
PUBLISHED = """
UPDATE messages SET status = 'queued', changed_at = now()
WHERE account_id = $1 AND message_id = ANY($2::text[]) AND status = 'publishing'
"""


class CampaignMessage(NamedTuple):
    """A member's message: the row that is kept of it, and the request for the sender."""

    contact_id: int
    request: MessageRequested


async def step(pool: Pool, outbound: OutboundRequests) -> bool:
    """Take one campaign a step further; False where none has anything to do.

    Raises:
        TransientError: Postgres or Kafka is unavailable. What was not published is, later.
    """
    async with connection_from(pool) as connection, connection.transaction():
        row = await connection.fetchrow(CLAIM)
        messages = [] if row is None else await _next_messages(connection, Campaign.of(row))
    if messages:
        failpoint("api.campaign_noted")
        requests = [message.request for message in messages]
        await outbound.publish(requests)
        failpoint("api.campaign_published")
        async with connection_from(pool) as connection:
            ids = [request.message_id for request in requests]
            await connection.execute(PUBLISHED, requests[0].account_id, ids)
    return row is not None


async def _next_messages(connection: Connection, campaign: Campaign) -> list[CampaignMessage]:
    """Note the next messages of a campaign that is locked, and return them."""
    if campaign.until_contact_id is None:
        until = await last_contact_id(connection, campaign.list_id)
        if until is None:
            await connection.execute(WAIT, campaign.campaign_id, _BUSY_SECONDS)
            return []
        total = await count_members(connection, campaign.audience)
        campaign = Campaign.of(await connection.fetchrow(START, campaign.campaign_id, until, total))
        await add_lists(connection, [ListOfNumber(campaign.account_id, campaign.sender_number, campaign.list_id)])
    room = BACKLOG - await connection.fetchval(WITHOUT_OUTCOME, campaign.account_id, campaign.campaign_id)
    if room <= 0:
        await connection.execute(WAIT, campaign.campaign_id, _FULL_SECONDS)
        return []
    limit, after, until = min(room, CHUNK), campaign.last_contact_id, campaign.until_contact_id or 0
    members = await next_members(connection, campaign.audience, after, until, limit)
    messages = messages_for(campaign, members, datetime.now(UTC))
    if messages:
        await connection.execute(ADD_MESSAGES, campaign.campaign_id, PUBLISH_SECONDS, *_columns(messages))
    last, skipped = (members[-1].contact_id if members else after), len(members) - len(messages)
    await connection.execute(MOVE, campaign.campaign_id, last, len(messages), skipped, len(members) < limit)
    return messages


def messages_for(campaign: Campaign, members: Sequence[Member], now: datetime) -> list[CampaignMessage]:
    """Return a message for each member whose text can be sent; its id follows from the campaign and the phone."""
    messages = []
    for member in members:
        text = personalised(campaign.body, member.phone, member.fields, MAX_TEXT_CHARACTERS)
        if text.strip() and len(text) <= MAX_TEXT_CHARACTERS:
            with suppress(ValidationError):  # of one member; the others get theirs
                messages.append(CampaignMessage(member.contact_id, _request(campaign, member, text, now)))
    return messages


def message_id(campaign_id: int, phone: str) -> str:
    """Return the id of a campaign's message to a phone: the same whenever it is computed."""
    return derived_id_text(f"campaign:{campaign_id}", phone)


def _request(campaign: Campaign, member: Member, text: str, now: datetime) -> MessageRequested:
    return MessageRequested(
        account_id=campaign.account_id,
        message_id=message_id(campaign.campaign_id, member.phone),
        list_id=campaign.list_id,
        phone=member.phone,
        sender_number=campaign.sender_number,
        body=text,
        requested_at=now,
        purpose=campaign.purpose,
        recipient_state=address_region(member.phone, member.fields),
    )


def _columns(messages: Sequence[CampaignMessage]) -> list[list[object]]:
    requests = [message.request for message in messages]
    return [
        [request.message_id for request in requests],
        [message.contact_id for message in messages],
        [request.phone for request in requests],
        [request.body for request in requests],
        [segments_of(request.body).number for request in requests],
        [request.recipient_state for request in requests],
    ]
