"""The decision about messages that somebody else is about to send; no I/O.

What a caller does not name counts as any: without a list, an opt-out from any list forbids the message; without a
sender number, an opt-out of any sender number does. A phone that can be read in two ways is allowed only where neither
of them is suppressed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.scopes import forbidding_scopes
from shared.suppressions.lookup import Query, SuppressionHit, query
from shared.suppressions.placement import partitions_of

Code = Literal["opted_out", "held", "no_such_list", "not_a_phone"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is about to be sent.

    Attributes:
        phones: each number that the recipient's may be, in E.164; none: it is not a phone number.
        list_id: None: not known, or a list whose members may come from any other.
        sender_number: None: not known.
        has_list: False: the list is not one of the account's.
    """

    phones: tuple[str, ...]
    list_id: int | None
    sender_number: str | None
    has_list: bool = True

    @property
    def is_decidable(self) -> bool:
        """Whether it depends on suppressions at all."""
        return self.has_list and bool(self.phones)

    @property
    def names_all(self) -> bool:
        """Whether the suppression cache alone can decide: it is asked scope by scope."""
        return self.list_id is not None and self.sender_number is not None


@dataclass(frozen=True, slots=True)
class Cause:
    """A suppression as the decision log has it."""

    scope: str
    state: Literal["opted_out", "held"]
    cause_event_id: UUID
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PhoneReading:
    """One number that a message's phone may be; `number` is the message's position among those asked about."""

    number: int
    phone: str
    partition: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about one message.

    Attributes:
        reading: the number that it was decided by; None: there is none.
        code: why it must not be sent; None: it may.
        hit: the suppression, as the cache has it.
        logged: the suppression, as the decision log has it; None too where only the cache still has it.
    """

    reading: PhoneReading | None = None
    code: Code | None = None
    hit: SuppressionHit | None = None
    logged: Cause | None = None


def readings_of(messages: Sequence[Message], partitions: int) -> list[PhoneReading]:
    """Return every number that has to be looked up."""
    found = [
        (number, phone) for number, message in enumerate(messages) if message.is_decidable for phone in message.phones
    ]
    places = partitions_of([phone.encode() for _, phone in found], partitions)
    return [PhoneReading(number, phone, place) for (number, phone), place in zip(found, places, strict=True)]


def queries_of(account_id: str, messages: Sequence[Message], readings: Sequence[PhoneReading]) -> list[Query]:
    """Return what to ask the suppression cache, one query per reading."""
    return [
        query(account_id, _scopes(messages[reading.number]), reading.partition, reading.phone) for reading in readings
    ]


def to_look_up(
    messages: Sequence[Message], readings: Sequence[PhoneReading], hits: Sequence[SuppressionHit | None]
) -> list[PhoneReading]:
    """Return the readings to ask the decision log about: for the cause, or in scopes that the caller left open."""
    return [
        reading
        for reading, hit in zip(readings, hits, strict=True)
        if hit is not None or not messages[reading.number].names_all
    ]


def decide(
    messages: Sequence[Message],
    readings: Sequence[PhoneReading],
    hits: Sequence[SuppressionHit | None],
    logged: dict[PhoneReading, Cause],
) -> list[Decision]:
    """Return the decision about each message; whatever forbids it, in the cache or in the decision log, counts.

    Args:
        messages: in the order of the decisions.
        readings: as `readings_of` gives them.
        hits: from the cache, one per reading, after the fence.
        logged: from the decision log, read after the fence: what forbids the reading's message.
    """
    decisions = [_undecidable(message) for message in messages]
    for reading, hit in zip(readings, hits, strict=True):
        if decisions[reading.number].code is None:
            decisions[reading.number] = _decision(reading, hit, logged.get(reading), decisions[reading.number])
    return decisions


def _undecidable(message: Message) -> Decision:
    return Decision(code=None if message.is_decidable else "no_such_list" if message.phones else "not_a_phone")


def _decision(reading: PhoneReading, hit: SuppressionHit | None, logged: Cause | None, before: Decision) -> Decision:
    found = logged or hit
    if found is not None:
        return Decision(reading, found.state, hit, logged)
    return before if before.reading is not None else Decision(reading)


def _scopes(message: Message) -> tuple[str, ...]:
    return forbidding_scopes(message.list_id, message.sender_number)
