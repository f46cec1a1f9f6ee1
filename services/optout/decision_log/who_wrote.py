"""Loads by what is decided who wrote a reply whose number can be read in several ways (decision 24).

The inbound service publishes a reply for each reading of its number. Only here are known the country of an account,
which may make it another number still (`load_further_readings`), and the numbers that the account sent messages to
(`load_certainties`); `services.optout.writer_certainty` decides by them.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TypeGuard
from uuid import UUID

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from services.optout.decide import DecidableEvent
from services.optout.writer_certainty import WriterCertainty, certainty, known_readings, readings_of
from shared.events.inbound import MAX_READINGS, NOBODY, MessageReceived, as_reading
from shared.phones.canonical import canonical
from shared.postgres import Connection

_COUNTRIES = "SELECT account_id, country FROM accounts WHERE account_id = ANY($1::text[]) AND country IS NOT NULL"

# Those of the numbers to which a message went that may have arrived.
_SENT_TO = """
SELECT DISTINCT s.account_id, s.phone FROM unnest($1::text[], $2::text[]) AS asked (account_id, phone)
JOIN sent_messages s USING (account_id, phone) WHERE s.outcome <> 'failed'
"""


def may_be_national(event: DecidableEvent) -> TypeGuard[MessageReceived]:
    """Say whether the number may be one of the account's country; only of the first reading, so that it is asked once.

    That is a reply whose number did not say its country.
    """
    if not isinstance(event, MessageReceived) or event.written_phone is None:
        return False
    return not event.readings or event.phone == event.readings[0]


async def load_further_readings(connection: Connection, events: Sequence[MessageReceived]) -> list[MessageReceived]:
    """Return an event for each number that may be meant and that the inbound service could not know."""
    countries = await _load_countries(connection, events)
    asked = [(event.account_id, phone) for event in events for phone in _anywhere(event)]
    sent_to = await _load_sent_to(connection, asked) if asked else set()
    return [
        further for event in events for further in _further_readings(event, countries.get(event.account_id), sent_to)
    ]


async def load_certainties(connection: Connection, events: Sequence[DecidableEvent]) -> dict[UUID, WriterCertainty]:
    """Return how certain it is who wrote, for those events where that is a question."""
    ambiguous = [event for event in events if isinstance(event, MessageReceived) and _is_ambiguous(event)]
    if not ambiguous:
        return {}
    countries = await _load_countries(connection, ambiguous)
    readings = {event.event_id: readings_of(event, countries.get(event.account_id)) for event in ambiguous}
    asked = [(event.account_id, phone) for event in ambiguous for phone in readings[event.event_id]]
    sent_to: dict[str, set[str]] = defaultdict(set)
    for account_id, phone in await _load_sent_to(connection, asked):
        sent_to[account_id].add(phone)
    return {
        event.event_id: certainty(event, readings[event.event_id], sent_to[event.account_id]) for event in ambiguous
    }


def _further_readings(
    event: MessageReceived, country: str | None, sent_to: Collection[tuple[str, str]]
) -> list[MessageReceived]:
    """Return an event for each reading of the number that the inbound service did not know."""
    known = known_readings(event)
    sent = [phone for phone in _anywhere(event) if (event.account_id, phone) in sent_to]
    readings = tuple(dict.fromkeys((*sent, *readings_of(event, country))))[:MAX_READINGS]
    whole = event.model_copy(update={"readings": readings})
    return [as_reading(whole, phone) for phone in readings if phone not in known]


def _anywhere(event: MessageReceived) -> list[str]:
    """Return the numbers of all countries for digits that are a number of none that is known."""
    if event.written_phone is None or not event.phone.startswith(NOBODY):
        return []
    national = event.written_phone.lstrip("0")
    found = (canonical(f"{code}{national}") for code in COUNTRY_CODE_TO_REGION_CODE)
    return [phone for phone in found if phone is not None]


def _is_ambiguous(event: MessageReceived) -> bool:
    """Say whether `event.phone` may not be the one who wrote."""
    return bool(event.readings) or event.written_phone is not None


async def _load_countries(connection: Connection, events: Sequence[MessageReceived]) -> dict[str, str]:
    """Return the countries of those accounts that have one (ISO 3166, two letters)."""
    rows = await connection.fetch(_COUNTRIES, [event.account_id for event in events])
    return {row["account_id"]: row["country"] for row in rows}


async def _load_sent_to(connection: Connection, asked: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of the (account, phone) to which a message went."""
    rows = await connection.fetch(_SENT_TO, [each[0] for each in asked], [each[1] for each in asked])
    return {(account_id, phone) for account_id, phone in rows}
