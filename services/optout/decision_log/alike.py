"""Entries that differ in their recipient alone: each is in the chain for itself, but they are written together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.optout.decision_log.entry import STATES, DecisionKind, Entry, entry_text
from services.optout.decision_log.position import Position
from services.optout.decision_log.write import (
    CHANGE_STATES,
    STRENGTHEN_STATES,
    UnchainedRow,
    append_to_chain,
    states_left,
)
from shared.postgres import Connection
from shared.suppression_digest import keys_digest


@dataclass(frozen=True, slots=True)
class Recorded:
    """The part of an entry that is about its recipient alone.

    `lifts` is the removal that it withdraws, where it is an undo; `previous_sequence` as in the entry.
    """

    phone: str
    event_id: str
    lifts: str | None
    previous_sequence: int


@dataclass(frozen=True, slots=True)
class AlikeEntries:
    """A run of the chain: entries about several recipients. `first` is the first of them, `body` that of each."""

    first: Entry
    body: str
    recorded: Sequence[Recorded]

    @property
    def kind(self) -> DecisionKind:
        return self.first.kind

    @property
    def phones(self) -> list[str]:
        return [each.phone for each in self.recorded]

    def texts(self) -> Iterator[str]:
        """Yield the entries as they are chained and kept: what `entry_text` returns of each."""
        first = self.recorded[0]
        template = template_of(
            entry_text(self.first),
            event_id=f'"{first.event_id}"',
            phone=f'"{first.phone}"',
            gateway_message_id=f'"{first.event_id}"',
            lifts=_json(first.lifts),
            previous_sequence=str(first.previous_sequence),
        )
        for phone, event_id, lifts, previous in map(_fields, self.recorded):
            quoted_id = f'"{event_id}"'
            yield template % (quoted_id, f'"{phone}"', quoted_id, _json(lifts), previous)


def template_of(text: str, **values: str) -> str:
    """Return JSON with a `%s` in place of these values of its fields, which come in this order.

    A quotation mark within a string of JSON is escaped, so that `"name":` is nothing but the name of a field.
    """
    template = text.replace("%", "%%")
    for name, value in values.items():
        before = f'"{name}":'
        assert template.count(before + value) == 1, (name, value)  # noqa: S101 (or an entry would be another one's)
        template = template.replace(before + value, before + "%s")
    return template


def _fields(recorded: Recorded) -> tuple[str, str, str | None, int]:
    return recorded.phone, recorded.event_id, recorded.lifts, recorded.previous_sequence


def _json(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'


async def write_alike(
    connection: Connection, partition: int, position: Position, groups: Sequence[AlikeEntries]
) -> Position:
    """Append the entries to the chain, save the states that they leave, and return the new position."""
    position = await append_to_chain(connection, partition, position, _chained(groups))
    for alike in groups:
        await _save_states(connection, alike)
        position = position.with_suppressed(*_count(alike))
    return position


def _chained(groups: Sequence[AlikeEntries]) -> Iterator[UnchainedRow]:
    for alike in groups:
        first = alike.first
        for each, text in zip(alike.recorded, alike.texts(), strict=True):
            yield UnchainedRow(
                each.event_id, first.offset, first.account_id, each.phone, alike.body, first.decided_at, text
            )


async def _save_states(connection: Connection, alike: AlikeEntries) -> None:
    phones, event_ids = alike.phones, [each.event_id for each in alike.recorded]

    def all_have(value: Any) -> list[Any]:
        return [value] * len(phones)

    for (account_id, scope, _), left in states_left([alike.first]).items():
        columns = [
            all_have(account_id),
            all_have(scope),
            phones,
            all_have(left.state),
            event_ids if left.cause_event_id else all_have(None),
            *map(all_have, (left.sender_number, left.sent_at, left.untimed_at, left.changed_at)),
            *map(all_have, (left.source, left.gateway)),
        ]
        if left.is_new:
            asks_nothing = all_have(None)
            await connection.execute(CHANGE_STATES, *columns, asks_nothing, asks_nothing)
        else:
            await connection.execute(STRENGTHEN_STATES, *columns, all_have(left.keeps_number))


def _count(alike: AlikeEntries) -> tuple[int, int]:
    """Return what the entries add to the count and the digest of suppressed keys."""
    if not alike.first.changed:
        return 0, 0
    sign = -1 if STATES.get(alike.kind) == "opted_in" else 1
    digits = np.array([int(phone[1:]) for phone in alike.phones], dtype=np.uint64)
    digests = (keys_digest(alike.first.account_id, scope, digits) for scope in alike.first.changed)
    return sign * len(digits) * len(alike.first.changed), sign * sum(digests)


def size_of(entry: Entry | AlikeEntries) -> int:
    """Return how many entries of the chain it is."""
    return len(entry.recorded) if isinstance(entry, AlikeEntries) else 1


def count_changed(entry: Entry | AlikeEntries) -> int:
    """Return how many suppressions it changes."""
    first = entry.first if isinstance(entry, AlikeEntries) else entry
    return len(first.changed) * size_of(entry)
