"""Records of one partition, read strictly: what cannot be read is never passed over.

The topic is compacted, so a record is the whole truth about its key. Where one cannot be read (or has no value: nobody
may delete a suppression), the state of its key is not known, and nothing may be sent until a later record of the same
key has it again, or a later checkpoint says that nothing is missing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.consumer import Polled
from shared.errors import PoisonError
from shared.event_records import event_of
from shared.events.suppression import (
    CHECKPOINT_KEY,
    WATERMARK_KEY,
    AccountSettingsPublished,
    AnySuppressionEvent,
    CheckpointPublished,
    ListPublished,
    MarkersPassed,
    SuppressionChanged,
    SuppressionsChanged,
    WatermarkAdvanced,
    suppression_event_adapter,
)
from shared.suppressions.account_settings import DigestedAccountSettings, digest_of
from shared.suppressions.keys import HELD, NOT_SUPPRESSED, OPTED_OUT, SuppressionCode, first_key_of
from shared.suppressions.placement import partitions_of

MAX_UNREADABLE = 1_000
MANY_CHANGES = 10_000
"""The number of changes after which a step ends: a poll may have millions, in records about many phones."""

_TOO_MANY = b""
"""Stands for a key that is missing, and for all further ones that cannot be read: nothing takes it away."""

_STATES = {b"opted_out": OPTED_OUT, b"held": HELD, b"opted_in": NOT_SUPPRESSED}
_KEY_OF_A_SUPPRESSION = re.compile(rb"[a-z0-9][a-z0-9_-]*\|(?:account|list:[0-9]+|sender:.+)\|(\+[1-9][0-9]{6,14})")
_CANONICAL = re.compile(
    rb'\{"type":"suppression_changed","version":1,"account_id":"([a-z0-9][a-z0-9_-]{0,63})",'
    rb'"scope":"(account|list:[0-9]{1,16}|sender:[ !#-\[\]-~]{1,40})","phone":"(\+[1-9][0-9]{6,14})",'
    rb'"state":"(opted_out|held|opted_in)","cause_event_id":"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",'
    rb'"changed_at":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"\}'
)
"""A suppression as `encode` writes it, read in half the time of a validation (`python -m benchmarks.events`): it saves
seconds of a rebuild of a million, in which nothing is sent. All other records are validated."""

_Change = tuple[bytes, bytes, bytes, bytes]
"""Account, scope, phone, state."""


@dataclass(frozen=True, slots=True)
class Changes:
    """A run of consecutive suppressions: the new states of keys, by account and scope."""

    by_scope: dict[tuple[bytes, bytes], list[tuple[int, SuppressionCode]]]
    count: int


@dataclass(frozen=True, slots=True)
class ConfirmableChange:
    """A suppression that is an opt-out with a confirmation, as one change; `key` is that of the phone in the cache."""

    changes: Changes
    key: int
    event: SuppressionChanged


PartitionChange = (
    Changes | ConfirmableChange | WatermarkAdvanced | MarkersPassed | CheckpointPublished | DigestedAccountSettings
)


class PartitionReader:
    """A reader that turns the records of one partition into steps, in their order.

    Attributes:
        unreadable: why the newest record of a key cannot be read, by that key.
    """

    def __init__(self, partition: int, partitions: int) -> None:
        self.unreadable: dict[bytes, str] = {}
        self._partition = partition
        self._partitions = partitions
        self._first_key = first_key_of(partition)

    def steps(self, records: Sequence[Polled]) -> Iterator[PartitionChange]:
        """Give what the records say, up to where they end.

        Settings may come before suppressions that stand in front of them; nothing counts before the next watermark.
        """
        changed: list[_Change] = []
        for record in records:
            found = _CANONICAL.fullmatch(record.value or b"")
            if found is not None and record.key == b"%b|%b|%b" % found.group(1, 2, 3):
                changed.append(found.group(1, 2, 3, 4))  # type: ignore[arg-type]  # all four are in every match
                if self.unreadable:
                    self.unreadable.pop(record.key, None)
                continue
            event = self._decode(record)
            if isinstance(event, SuppressionChanged) and event.confirmation is not None:
                yield from self._changes(changed)
                changed = []
                yield from self._confirmable(event)
            elif isinstance(event, SuppressionChanged | SuppressionsChanged):
                changed += _changes_in(event)
                if len(changed) >= MANY_CHANGES:
                    yield from self._changes(changed)
                    changed = []
            elif isinstance(event, AccountSettingsPublished | ListPublished):
                yield DigestedAccountSettings(event, digest_of(record.value or b""))
            elif event is not None:
                yield from self._changes(changed)
                changed = []
                yield event
        yield from self._changes(changed)

    def _confirmable(self, event: SuppressionChanged) -> Iterator[ConfirmableChange]:
        key = self._first_key + 2 * int(event.phone)
        for changes in self._changes(_changes_in(event)):
            yield ConfirmableChange(changes, key, event)

    def _changes(self, changed: list[_Change]) -> Iterator[Changes]:
        if not changed:
            return
        by_scope: dict[tuple[bytes, bytes], list[tuple[int, SuppressionCode]]] = {}
        placed = partitions_of([phone for _, _, phone, _ in changed], self._partitions)
        first_key, states = self._first_key, _STATES
        for (account_id, scope, phone, state), partition in zip(changed, placed, strict=True):
            if partition == self._partition:
                entry = (first_key + 2 * int(phone), states[state])
                group = by_scope.get((account_id, scope))
                if group is None:
                    by_scope[account_id, scope] = [entry]
                else:
                    group.append(entry)
            else:
                self._note(b"%b|%b|%b" % (account_id, scope, phone), f"belongs to partition {partition}")
        if by_scope:
            yield Changes(by_scope, sum(map(len, by_scope.values())))

    def _decode(self, record: Polled) -> AnySuppressionEvent | None:
        key = record.key or _TOO_MANY
        try:
            event = self._read(key, record)
        except PoisonError as error:
            self._note(key, f"offset {record.offset}: {error}")
            return None
        if key != _TOO_MANY:
            self.unreadable.pop(key, None)
        return event

    def _read(self, key: bytes, record: Polled) -> AnySuppressionEvent | None:
        if record.value is None and not self._has_place_for(key):
            return None  # somebody took away what should never have been written
        event = event_of(suppression_event_adapter, record)
        if key != _key_of(event):
            raise PoisonError("wrong_key", f"a {event.type} must not have the key {key[:100]!r}")
        return event

    def _has_place_for(self, key: bytes) -> bool:
        found = _KEY_OF_A_SUPPRESSION.fullmatch(key)
        if found is None:
            return key.startswith(b"!")
        return partitions_of([found.group(1)], self._partitions) == [self._partition]

    def _note(self, key: bytes, why: str) -> None:
        self.unreadable[key if key in self.unreadable or len(self.unreadable) < MAX_UNREADABLE else _TOO_MANY] = why


def _changes_in(event: SuppressionChanged | SuppressionsChanged) -> list[_Change]:
    phones = event.phones if isinstance(event, SuppressionsChanged) else (event.phone,)
    account_id, scope, state = event.account_id.encode(), event.scope.encode(), event.state.encode()
    return [(account_id, scope, phone.encode(), state) for phone in phones]


def _key_of(event: AnySuppressionEvent) -> bytes:
    match event:
        case SuppressionChanged() | SuppressionsChanged() | AccountSettingsPublished() | ListPublished():
            return event.key()
        case WatermarkAdvanced() | MarkersPassed():
            return WATERMARK_KEY
        case CheckpointPublished():
            return CHECKPOINT_KEY
