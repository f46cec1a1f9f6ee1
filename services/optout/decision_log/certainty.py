"""Finds out which numbers of a batch's ambiguous messages were sent to, and which country an account is in."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from services.optout.decide import DecidableEvent
from services.optout.which_number import WriterCertainty, certainty, is_ambiguous, readings_of
from shared.events.inbound import MessageReceived
from shared.postgres import Connection

_COUNTRIES = "SELECT account_id, country FROM accounts WHERE account_id = ANY($1::text[]) AND country IS NOT NULL"

# Those of the numbers to which a message went that may have arrived.
_SENT_TO = """
SELECT DISTINCT s.account_id, s.phone FROM unnest($1::text[], $2::text[]) AS asked (account_id, phone)
JOIN sent_messages s USING (account_id, phone) WHERE s.outcome <> 'failed'
"""


async def load_countries(connection: Connection, account_ids: Sequence[str]) -> dict[str, str]:
    """Return the countries of those accounts that have one (ISO 3166, two letters)."""
    return {row[0]: row[1] for row in await connection.fetch(_COUNTRIES, account_ids)}


async def load_sent_to(connection: Connection, asked: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of the (account, phone) to which a message went."""
    rows = await connection.fetch(_SENT_TO, [each[0] for each in asked], [each[1] for each in asked])
    return {(account_id, phone) for account_id, phone in rows}


async def load_certainties(connection: Connection, events: Sequence[DecidableEvent]) -> dict[UUID, WriterCertainty]:
    """Return how certain it is who wrote, for those events where that is a question."""
    ambiguous = [event for event in events if isinstance(event, MessageReceived) and is_ambiguous(event)]
    if not ambiguous:
        return {}
    countries = await load_countries(connection, [event.account_id for event in ambiguous])
    readings = {event.event_id: readings_of(event, countries.get(event.account_id)) for event in ambiguous}
    asked = [(event.account_id, phone) for event in ambiguous for phone in readings[event.event_id]]
    sent_to: dict[str, set[str]] = defaultdict(set)
    for account_id, phone in await load_sent_to(connection, asked):
        sent_to[account_id].add(phone)
    return {
        event.event_id: certainty(event, readings[event.event_id], sent_to[event.account_id]) for event in ambiguous
    }
