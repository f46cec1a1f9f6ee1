"""Loads what the decisions of a batch need: who is suppressed, what was sent, which rules hold, what is known."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.optout.person import Person, SentMessage, Suppression
from services.optout.record.connection import Connection
from services.optout.rules import DEFAULT_RULES, Rule, VersionedRule
from shared.events.inbound import MessageReceived

MAX_SENT_PER_PERSON = 50
PersonKey = tuple[str, str]

_KNOWN = "SELECT event_id FROM decisions WHERE event_id = ANY($1::uuid[])"

_SUPPRESSIONS = """
SELECT s.account_id, s.phone, s.scope, s.state, s.sender_number, s.sent_at
FROM unnest($1::text[], $2::text[]) AS person (account_id, phone)
JOIN suppressions s USING (account_id, phone)
"""

_SENT = """
SELECT m.account_id, m.phone, m.message_id, m.list_id, m.sender_number, m.carrier_message_id, m.outcome, m.dispatched_at
FROM unnest($1::text[], $2::text[]) AS person (account_id, phone)
CROSS JOIN LATERAL (
    SELECT * FROM sent_messages s
    WHERE s.account_id = person.account_id AND s.phone = person.phone AND s.dispatched_at >= $3
    ORDER BY s.dispatched_at DESC
    LIMIT $4
) m
"""

_POINTED_AT = """
SELECT m.account_id, m.phone, m.message_id, m.list_id, m.sender_number, m.carrier_message_id, m.outcome, m.dispatched_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS reply (account_id, phone, message_id, carrier_message_id)
JOIN sent_messages m ON m.account_id = reply.account_id AND m.phone = reply.phone
    AND (m.message_id = reply.message_id OR m.carrier_message_id = reply.carrier_message_id)
"""

_RULES = """
SELECT DISTINCT ON (account_id, rule_id) account_id, rule_id, version, definition
FROM rules WHERE account_id = ANY($1::text[])
ORDER BY account_id, rule_id, version DESC
"""

_DEFAULTS = tuple(VersionedRule(0, 1, rule) for rule in DEFAULT_RULES)


async def load_known(connection: Connection, events: Sequence[MessageReceived]) -> set[UUID]:
    """Return the ids of those events that are decided already."""
    rows = await connection.fetch(_KNOWN, [event.event_id for event in events])
    return {row[0] for row in rows}


async def load_rules(connection: Connection, account_ids: Iterable[str]) -> dict[str, tuple[VersionedRule, ...]]:
    """Return each account's rules in their order; an account without any, or unknown, has the defaults."""
    wanted = sorted(set(account_ids))
    found: dict[str, list[VersionedRule]] = defaultdict(list)
    for account_id, rule_id, version, definition in await connection.fetch(_RULES, wanted):
        found[account_id].append(VersionedRule(rule_id, version, Rule.model_validate_json(definition)))
    return {account_id: tuple(found[account_id]) if account_id in found else _DEFAULTS for account_id in wanted}


async def load_persons(
    connection: Connection, events: Sequence[MessageReceived], window_starts_at: datetime
) -> dict[PersonKey, Person]:
    """Return what is known of each person who wrote one of `events`, by (account, phone)."""
    keys = list(dict.fromkeys((event.account_id, event.phone) for event in events))
    accounts, phones = [key[0] for key in keys], [key[1] for key in keys]
    suppressions: dict[PersonKey, dict[str, Suppression]] = defaultdict(dict)
    for account_id, phone, scope, *rest in await connection.fetch(_SUPPRESSIONS, accounts, phones):
        suppressions[account_id, phone][scope] = Suppression(scope, *rest)
    sent = await _load_sent(connection, accounts, phones, window_starts_at)
    await _add_pointed_at(connection, events, sent)
    return {key: Person(suppressions[key], sent[key]) for key in keys}


async def _load_sent(
    connection: Connection, accounts: list[str], phones: list[str], window_starts_at: datetime
) -> dict[PersonKey, list[SentMessage]]:
    sent: dict[PersonKey, list[SentMessage]] = defaultdict(list)
    for account_id, phone, *rest in await connection.fetch(
        _SENT, accounts, phones, window_starts_at, MAX_SENT_PER_PERSON
    ):
        sent[account_id, phone].append(SentMessage(*rest))
    return sent


async def _add_pointed_at(
    connection: Connection, events: Sequence[MessageReceived], sent: dict[PersonKey, list[SentMessage]]
) -> None:
    """Add, as the oldest, the messages that a gateway points at and that are not among those loaded."""
    missing = [event for event in events if _points_elsewhere(event, sent[event.account_id, event.phone])]
    if not missing:
        return
    rows = await connection.fetch(
        _POINTED_AT,
        [event.account_id for event in missing],
        [event.phone for event in missing],
        [event.replied_message_id for event in missing],
        [event.replied_carrier_message_id for event in missing],
    )
    for account_id, phone, *rest in rows:
        sent[account_id, phone].append(SentMessage(*rest))


def _points_elsewhere(event: MessageReceived, sent: Sequence[SentMessage]) -> bool:
    ours, carriers = event.replied_message_id, event.replied_carrier_message_id
    if ours is None and carriers is None:
        return False
    return not any(m.message_id == ours or (m.carrier_message_id or "") == carriers for m in sent)
