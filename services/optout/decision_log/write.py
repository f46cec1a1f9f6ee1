"""Writes the decisions of a batch: the entries with their hash chain, and the states that they leave."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.optout.decision_log.entry import STATES, Entry, entry_text
from services.optout.decision_log.link import link
from services.optout.decision_log.position import Position
from services.optout.decision_log.states_left import StateKey, StateLeft, states_left
from shared.postgres import Connection
from shared.suppression_digest import MASK, key_digest

_DECISION_COLUMNS = (
    "event_id", "partition", "sequence", "inbound_offset", "account_id", "phone", "body", "decided_at", "entry", "hash",
)  # fmt: skip

_CHANGE_STATES = """
INSERT INTO suppressions (account_id, scope, phone, state, cause_event_id, sender_number, sent_at, untimed_at,
    changed_at, source)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::text[])
ON CONFLICT (account_id, phone, scope) DO UPDATE SET
    state = excluded.state, cause_event_id = excluded.cause_event_id, changed_at = excluded.changed_at,
    sender_number = excluded.sender_number, sent_at = excluded.sent_at, untimed_at = excluded.untimed_at,
    source = excluded.source
"""

# Somebody who writes STOP again has left through this number, at this time, too. What is null stays as it is.
_STRENGTHEN_STATES = """
UPDATE suppressions s SET
    state = coalesce(again.state, s.state), cause_event_id = coalesce(again.cause_event_id, s.cause_event_id),
    changed_at = coalesce(again.changed_at, s.changed_at),
    sender_number = CASE WHEN again.keeps_number THEN s.sender_number ELSE again.sender_number END,
    sent_at = greatest(s.sent_at, again.sent_at), untimed_at = greatest(s.untimed_at, again.untimed_at),
    source = CASE WHEN again.state IS NULL THEN s.source ELSE again.source END
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::text[], $11::bool[])
    AS again (account_id, scope, phone, state, cause_event_id, sender_number, sent_at, untimed_at, changed_at,
        source, keeps_number)
WHERE s.account_id = again.account_id AND s.phone = again.phone AND s.scope = again.scope
"""

DecidedEntry = tuple[Entry, str]
"""An entry, and the text of the message that it decides."""


async def write_decisions(
    connection: Connection, partition: int, position: Position, decided: Sequence[DecidedEntry]
) -> Position:
    """Append the entries to the chain, save the states that they leave, and return the new position."""
    hashed, sequence = position.head_hash, position.sequence
    rows = []
    for entry, body in decided:
        text = entry_text(entry)
        hashed, sequence = link(hashed, text), sequence + 1
        who = entry.account_id, entry.phone
        offset = entry.offset + position.inbound_base
        rows.append((entry.event_id, partition, sequence, offset, *who, body, entry.decided_at, text, hashed))
    await connection.copy_records_to_table("decisions", records=rows, columns=_DECISION_COLUMNS)
    await _save_states(connection, [entry for entry, _ in decided])
    counted, digest = _count([entry for entry, _ in decided])
    return replace(
        position,
        sequence=sequence,
        head_hash=hashed,
        suppressed_count=position.suppressed_count + counted,
        digest=(position.digest + digest) & MASK,
    )


def _count(decided: Iterable[Entry]) -> tuple[int, int]:
    """Return what the entries add to the count and the digest of suppressed keys: `changed` are just those."""
    counted = digest = 0
    for entry in decided:
        sign, digits = (-1 if STATES.get(entry.kind) == "opted_in" else 1), int(entry.phone[1:])
        for scope in entry.changed:
            counted += sign
            digest += sign * key_digest(entry.account_id, scope, digits)
    return counted, digest


async def _save_states(connection: Connection, decided: Sequence[Entry]) -> None:
    left = states_left(decided)
    changed = {key: state for key, state in left.items() if state.is_new}
    if changed:
        await connection.execute(_CHANGE_STATES, *_columns(changed))
    again = {key: state for key, state in left.items() if not state.is_new}
    if again:
        await connection.execute(_STRENGTHEN_STATES, *_columns(again), [each.keeps_number for each in again.values()])


def _columns(left: Mapping[StateKey, StateLeft]) -> list[Sequence[object]]:
    states = left.values()
    return [
        *([key[column] for key in left] for column in range(3)),
        [each.state for each in states],
        [each.cause_event_id for each in states],
        [each.sender_number for each in states],
        [each.sent_at for each in states],
        [each.untimed_at for each in states],
        [each.changed_at for each in states],
        [each.source for each in states],
    ]
