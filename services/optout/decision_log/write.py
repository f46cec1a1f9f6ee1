"""Writes the decisions of a batch: the entries, chained by their hashes, and the states that they leave.

Each entry also names the one before it about the same recipient. So whoever sees only a recipient's entries knows that
none is missing between them, nor before the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.optout.carrier_blocks import BY_CARRIER
from services.optout.clicks import LINK
from services.optout.confirmation import question_of
from services.optout.decision_log.entry import STATES, Entry, entry_text, link
from services.optout.decision_log.load import RecipientKey
from services.optout.decision_log.position import Position
from services.optout.recipient import ScopeQuestion
from shared.postgres import Connection
from shared.suppression_digest import key_digest

_DECISION_COLUMNS = (
    "event_id", "partition", "sequence", "inbound_offset", "account_id", "phone", "body", "decided_at", "entry", "hash",
)  # fmt: skip

CHANGE_STATES = """
INSERT INTO suppressions (account_id, scope, phone, state, cause_event_id, sender_number, sent_at, untimed_at,
    changed_at, source, gateway, list_word, list_word_until)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::timestamptz[])
ON CONFLICT (account_id, phone, scope) DO UPDATE SET
    state = excluded.state, cause_event_id = excluded.cause_event_id, changed_at = excluded.changed_at,
    sender_number = excluded.sender_number, sent_at = excluded.sent_at, untimed_at = excluded.untimed_at,
    source = excluded.source, gateway = excluded.gateway, list_word = excluded.list_word,
    list_word_until = excluded.list_word_until
"""

# Somebody who writes STOP again has left through this number, at this time, too. What is null stays as it is. Whatever
# asks for what a click has asked for gives it a `sent_at`: no undo lifts it. That is for undos alone: what takes the
# place of a click has its own.
STRENGTHEN_STATES = """
UPDATE suppressions s SET
    state = coalesce(again.state, s.state), cause_event_id = coalesce(again.cause_event_id, s.cause_event_id),
    changed_at = coalesce(again.changed_at, s.changed_at),
    sender_number = CASE WHEN again.keeps_number THEN s.sender_number ELSE again.sender_number END,
    sent_at = CASE
        WHEN s.source = 'link' AND again.state IS NOT NULL THEN again.sent_at
        WHEN s.source = 'link' AND again.source IS DISTINCT FROM 'link'
            THEN greatest(s.sent_at, again.sent_at, again.untimed_at)
        ELSE greatest(s.sent_at, again.sent_at)
    END,
    untimed_at = greatest(s.untimed_at, again.untimed_at),
    source = CASE WHEN again.state IS NULL THEN s.source ELSE again.source END,
    gateway = CASE WHEN again.state IS NULL THEN s.gateway ELSE again.gateway END,
    list_word = NULL, list_word_until = NULL
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[], $12::bool[])
    AS again (account_id, scope, phone, state, cause_event_id, sender_number, sent_at, untimed_at, changed_at,
        source, gateway, keeps_number)
WHERE s.account_id = again.account_id AND s.phone = again.phone AND s.scope = again.scope
"""

EntryWithText = tuple[Entry, str]
"""An entry, and the text of the reply that it decides."""

StateKey = tuple[str, str, str]
"""Account, scope, phone."""


@dataclass(slots=True)
class StateLeft:
    """The state that an entry leaves of one suppression.

    A new one takes the place of what was there. One that was there before grows stronger: its times only grow, and None
    leaves state, cause and time of change as they are.

    Attributes:
        keeps_number: whether the number that was written to stays as it is, too.
        source: of a state that was there before: what has asked for it again.
        question: only a new state has one.
    """

    is_new: bool
    state: str | None
    cause_event_id: UUID | None
    sender_number: str | None
    sent_at: datetime | None
    untimed_at: datetime | None
    changed_at: datetime | None
    keeps_number: bool = False
    source: str | None = None
    gateway: str | None = None
    question: ScopeQuestion | None = None


def add_trail(decided: Sequence[EntryWithText], last: Mapping[RecipientKey, int], sequence: int) -> None:
    """Give each entry the one before it about the same recipient; they come after entry `sequence`."""
    latest = dict(last)
    for number, (entry, _) in enumerate(decided, sequence + 1):
        recipient = entry.account_id, entry.phone
        entry.previous_sequence = latest.get(recipient, 0)
        latest[recipient] = number


async def write_decisions(
    connection: Connection, partition: int, position: Position, decided: Sequence[EntryWithText]
) -> Position:
    """Append the entries to the chain, save the states that they leave, and return the new position."""
    chained = [
        UnchainedRow(
            entry.event_id, entry.offset, entry.account_id, entry.phone, body, entry.decided_at, entry_text(entry)
        )
        for entry, body in decided
    ]
    position = await append_to_chain(connection, partition, position, chained)
    await _save_states(connection, [entry for entry, _ in decided])
    return position.with_suppressed(*_count([entry for entry, _ in decided]))


class UnchainedRow(NamedTuple):
    """A row of the decision log but for its place in the chain."""

    event_id: UUID | str
    offset: int
    account_id: str
    phone: str
    body: str
    decided_at: datetime
    text: str


async def append_to_chain(
    connection: Connection, partition: int, position: Position, chained: Iterable[UnchainedRow]
) -> Position:
    """Append rows, each with the hash that links it to the one before; return the position with the last one's."""
    hashed, sequence = position.head_hash, position.sequence
    rows = []
    for event_id, offset, account_id, phone, body, decided_at, text in chained:
        hashed, sequence = link(hashed, text), sequence + 1
        stored_offset = offset + position.inbound_base
        rows.append((event_id, partition, sequence, stored_offset, account_id, phone, body, decided_at, text, hashed))
    await connection.copy_records_to_table("decisions", records=rows, columns=_DECISION_COLUMNS)
    return replace(position, sequence=sequence, head_hash=hashed)


def _count(decided: Iterable[Entry]) -> tuple[int, int]:
    """Return what the entries add to the count and the digest of suppressed keys: `changed` are just those."""
    counted = digest = 0
    for entry in decided:
        sign = -1 if STATES.get(entry.kind) == "opted_in" else 1
        for scope in entry.changed:
            counted += sign
            digest += sign * key_digest(entry.account_id, scope, int(entry.phone[1:]))
    return counted, digest


async def _save_states(connection: Connection, decided: Sequence[Entry]) -> None:
    """Save what the entries leave: new states take the place of the old; those that were there before grow stronger.

    A plain STOP of somebody who is not suppressed is one new state. All that is said of clicks here (the source `link`)
    is for undos: no undo of a click lifts what anything else has asked for, too.
    """
    left = states_left(decided)
    changed = {key: state for key, state in left.items() if state.is_new}
    if changed:
        await connection.execute(CHANGE_STATES, *_columns(changed), *_questions(changed))
    again = {key: state for key, state in left.items() if not state.is_new}
    if again:
        await connection.execute(STRENGTHEN_STATES, *_columns(again), [each.keeps_number for each in again.values()])


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
        [each.gateway for each in states],
    ]


def _questions(left: Mapping[StateKey, StateLeft]) -> list[Sequence[object]]:
    asked = [each.question for each in left.values()]
    return [[each and each.list_word for each in asked], [each and each.until for each in asked]]


def states_left(decided: Iterable[Entry]) -> dict[StateKey, StateLeft]:
    """Return the state that each (account, scope, phone) is left in by entries in their order.

    `services.optout.recipient_after.apply` has the same rules for one recipient, for decisions later in the same batch.
    """
    left: dict[StateKey, StateLeft] = {}
    for entry in decided:
        for scope in entry.changed:
            state = left[entry.account_id, scope, entry.phone] = _state_left(entry, is_new=True)
            state.question = question_of(entry.confirmation, scope, entry.received_at)
        for scope in entry.raised:
            key = entry.account_id, scope, entry.phone
            left[key] = _joined(left.get(key), _state_left(entry, is_new=False))
        for scope in entry.asked_again:
            key = entry.account_id, scope, entry.phone
            left[key] = _joined(left.get(key), _asked_again(entry))
    return left


def _state_left(entry: Entry, *, is_new: bool) -> StateLeft:
    state = STATES[entry.kind]
    source = entry.request.source if entry.request is not None and state == "opted_out" else None
    sent_at, untimed_at = entry.times
    if source == LINK and not is_new:
        sent_at = untimed_at  # not the click alone has asked for it: no undo lifts it
    return StateLeft(
        is_new, state, entry.cause_event_id, entry.sender_number, sent_at, untimed_at, entry.decided_at,
        source=source, gateway=entry.by if source == BY_CARRIER else None,
    )  # fmt: skip


def _asked_again(entry: Entry) -> StateLeft:
    """Return the state of a scope that was left again; a held entry and a request do not say through which number."""
    keeps_number = entry.kind == "held" or entry.request is not None
    number = None if keeps_number else entry.sender_number
    sent_at, untimed_at = entry.times
    return StateLeft(
        is_new=False,
        state=None,
        cause_event_id=None,
        sender_number=number,
        sent_at=sent_at,
        untimed_at=untimed_at,
        changed_at=None,
        keeps_number=keeps_number,
        source=None if entry.request is None else entry.request.source,
    )


def _joined(before: StateLeft | None, after: StateLeft) -> StateLeft:
    if before is None:
        return after
    before, after = _around_click(before, after)
    return replace(
        after if after.state is not None else before,
        is_new=before.is_new,
        sender_number=before.sender_number if after.keeps_number else after.sender_number,
        keeps_number=before.keeps_number and after.keeps_number,
        sent_at=_latest(before.sent_at, after.sent_at),
        untimed_at=_latest(before.untimed_at, after.untimed_at),
        question=None,
    )


def _around_click(before: StateLeft, after: StateLeft) -> tuple[StateLeft, StateLeft]:
    """Return the two as they are joined: a click that something else joins or replaces is not alone any more."""
    if before.source != LINK:
        return before, after
    if after.state is not None:  # it takes the place of the click, and has its own times
        return (before if before.state is None else replace(before, sent_at=None)), after
    if after.source == LINK:
        return before, after
    if before.state is None:
        return replace(before, source=after.source), after
    return before, replace(after, sent_at=_latest(after.sent_at, after.untimed_at))


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
