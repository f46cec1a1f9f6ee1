"""Loads what the decisions of a batch need: who is suppressed, what was sent, what is decided already."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.optout.attribution import MAX_CONSIDERED, latest_written
from services.optout.decide import DecidableEvent
from services.optout.decision_log.entry import Entry, entry_adapter
from services.optout.decision_log.repetitions import Identity, identity_of, identity_of_entry, with_own_id
from services.optout.recipient import Recipient, ScopeQuestion, SentMessage, Suppression
from shared.events.base import storable
from shared.events.inbound import CarrierBlocked, MessageReceived
from shared.postgres import Connection

RecipientKey = tuple[str, str]

_LAST = """
SELECT recipient.account_id, recipient.phone, last.sequence
FROM unnest($2::text[], $3::text[]) AS recipient (account_id, phone)
CROSS JOIN LATERAL (
    SELECT d.sequence FROM decisions d
    WHERE d.account_id = recipient.account_id AND d.phone = recipient.phone AND d.partition = $1
    ORDER BY d.sequence DESC LIMIT 1
) last
"""

_KNOWN = "SELECT event_id, entry, body FROM decisions WHERE event_id = ANY($1::uuid[])"

_STORED = """
SELECT entry FROM decisions JOIN partition_positions USING (partition)
WHERE partition = $1 AND inbound_offset >= $2 + inbound_base AND inbound_offset < $3 + inbound_base
ORDER BY decisions.sequence
"""

_SUPPRESSIONS = """
SELECT s.account_id, s.phone, s.scope, s.state, s.sender_number, s.sent_at, s.cause_event_id, s.untimed_at,
    s.source, s.gateway, s.list_word, s.list_word_until
FROM unnest($1::text[], $2::text[]) AS recipient (account_id, phone)
JOIN suppressions s USING (account_id, phone)
"""

_SENT = """
SELECT m.account_id, m.phone, m.message_id, m.list_id, m.sender_number, m.carrier_message_id, m.outcome,
    m.dispatched_at, m.instruction, m.confirms
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS reply (account_id, phone, sender_number, latest)
CROSS JOIN LATERAL (
    (
        SELECT * FROM sent_messages s
        WHERE s.account_id = reply.account_id AND s.phone = reply.phone AND s.dispatched_at BETWEEN $5 AND reply.latest
            AND s.outcome <> 'failed' AND (reply.sender_number IS NULL OR s.sender_number = reply.sender_number)
        ORDER BY s.dispatched_at DESC
        LIMIT $6
    ) UNION ALL (
        SELECT * FROM sent_messages s
        WHERE s.account_id = reply.account_id AND s.phone = reply.phone
            AND s.dispatched_at > greatest(reply.latest, $5 - interval '1 microsecond')
            AND s.outcome <> 'failed' AND (reply.sender_number IS NULL OR s.sender_number = reply.sender_number)
        ORDER BY s.dispatched_at DESC
        LIMIT $6
    )
) m
"""

_POINTED_AT = """
SELECT m.account_id, m.phone, m.message_id, m.list_id, m.sender_number, m.carrier_message_id, m.outcome,
    m.dispatched_at, m.instruction, m.confirms
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS reply (account_id, phone, message_id, carrier_message_id)
JOIN sent_messages m ON m.account_id = reply.account_id AND m.phone = reply.phone
    AND (m.message_id = reply.message_id OR m.carrier_message_id = reply.carrier_message_id)
"""


async def load_last(
    connection: Connection, partition: int, recipients: Sequence[RecipientKey]
) -> dict[RecipientKey, int]:
    """Return the sequence number of each recipient's last entry in the partition, where there is one."""
    columns = [[recipient[column] for recipient in recipients] for column in range(2)]
    rows = await connection.fetch(_LAST, partition, *columns)
    return {(account_id, phone): sequence for account_id, phone, sequence in rows}


async def load_decided_before(connection: Connection, events: Sequence[DecidableEvent]) -> dict[UUID, Identity]:
    """Return by their ids which of `events` are decided already, and what else is decided under the id of one."""
    known = await _load_identities(connection, [event.event_id for event in events])
    others = [
        with_own_id(event).event_id
        for event in events
        if event.event_id in known and not known[event.event_id].is_same_event(identity_of(event))
    ]
    return {**known, **await _load_identities(connection, others)} if others else known


async def _load_identities(connection: Connection, event_ids: Sequence[UUID]) -> dict[UUID, Identity]:
    rows = await connection.fetch(_KNOWN, event_ids)
    return {event_id: identity_of_entry(entry_adapter.validate_json(text), body) for event_id, text, body in rows}


async def load_recipients(
    connection: Connection, events: Sequence[DecidableEvent], window_starts_at: datetime
) -> dict[RecipientKey, Recipient]:
    """Return what is known of each recipient that one of `events` is about, by (account, phone)."""
    keys = list(dict.fromkeys((event.account_id, event.phone) for event in events))
    suppressions = await _load_suppressions(connection, keys)
    asked = _about_sent(events)
    sent: Sent = defaultdict(dict)
    if asked:
        sent = await _load_sent(connection, asked, window_starts_at)
        await _add_pointed_at(connection, asked, sent)
    return {
        key: Recipient(suppressions.get(key, {}), _newest_first(sent[key]) if key in sent else (), window_starts_at)
        for key in keys
    }


async def _load_suppressions(
    connection: Connection, recipients: Sequence[RecipientKey]
) -> dict[RecipientKey, dict[str, Suppression]]:
    suppressions: dict[RecipientKey, dict[str, Suppression]] = defaultdict(dict)
    columns = [[recipient[column] for recipient in recipients] for column in range(2)]
    for account_id, phone, *rest, word, until in await connection.fetch(_SUPPRESSIONS, *columns):
        found = Suppression(*rest)
        question = None if word is None else ScopeQuestion(word, until)
        suppressions[account_id, phone][found.scope] = replace(found, question=question) if question else found
    return suppressions


class _AboutSent(NamedTuple):
    """The number, and the message, that an event is about: what was sent is loaded for it."""

    account_id: str
    phone: str
    sender_number: str | None
    latest: datetime
    message_id: str | None
    carrier_message_id: str | None


def _about_sent(events: Iterable[DecidableEvent]) -> list[_AboutSent]:
    asked = []
    for event in events:
        match event:
            case MessageReceived():
                asked.append(
                    _AboutSent(
                        event.account_id, event.phone, event.sender_number, latest_written(event),
                        event.replied_message_id, event.replied_carrier_message_id,
                    )
                )  # fmt: skip
            case CarrierBlocked(sender_numbers=()):
                asked.append(
                    _AboutSent(
                        event.account_id, event.phone, None, event.occurred_at, event.message_id,
                        event.carrier_message_id,
                    )
                )  # fmt: skip
    return asked


Sent = dict[RecipientKey, dict[str, SentMessage]]
"""By recipient and message id."""


async def _load_sent(connection: Connection, asked: Sequence[_AboutSent], window_starts_at: datetime) -> Sent:
    """Load the newest messages from each number that was answered: those from another, or later ones, hide none."""
    sent: Sent = defaultdict(dict)
    replies = list(dict.fromkeys(each[:4] for each in asked))
    columns = [[reply[column] for reply in replies] for column in range(4)]
    for row in await connection.fetch(_SENT, *columns, window_starts_at, MAX_CONSIDERED):
        _add(sent, row)
    return sent


async def _add_pointed_at(connection: Connection, asked: Sequence[_AboutSent], sent: Sent) -> None:
    """Add the messages that a gateway points at and that are not among those loaded: older ones, failed ones."""
    missing = [each for each in asked if _points_elsewhere(each, sent[each.account_id, each.phone])]
    if not missing:
        return
    rows = await connection.fetch(
        _POINTED_AT,
        [each.account_id for each in missing],
        [each.phone for each in missing],
        [each.message_id for each in missing],
        [(pointer := each.carrier_message_id) and storable(pointer) for each in missing],
    )
    for row in rows:
        _add(sent, row)


def _points_elsewhere(asked: _AboutSent, sent: Mapping[str, SentMessage]) -> bool:
    ours, carriers = asked.message_id, asked.carrier_message_id
    if ours is not None:
        return ours not in sent
    return carriers is not None and not any(message.carrier_message_id == carriers for message in sent.values())


def _add(sent: Sent, row: asyncpg.Record) -> None:
    account_id, phone, *rest = row
    message = SentMessage(*rest)
    sent[account_id, phone][message.message_id] = message


def _newest_first(sent: Mapping[str, SentMessage]) -> list[SentMessage]:
    if len(sent) < 2:  # noqa: PLR2004 (as nearly everybody's)
        return list(sent.values())
    return sorted(sent.values(), key=lambda message: (message.dispatched_at, message.message_id), reverse=True)


async def load_entries(connection: Connection, partition: int, from_offset: int, to_offset: int) -> list[Entry]:
    """Return the entries for the offsets from `from_offset` up to, not with, `to_offset`: a replay publishes them."""
    rows = await connection.fetch(_STORED, partition, from_offset, to_offset)
    return [entry_adapter.validate_json(row[0]) for row in rows]
