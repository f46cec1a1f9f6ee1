"""The events in records, for every reader: whatever is wrong with a record is a `PoisonError`, and it is parked.

Bad records stop no reader: `shared.parking.Parking` parks them, individually up to a rate, then as a summary.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import TypeAdapter

from shared.consumer import Polled, Unreadable
from shared.errors import PoisonError
from shared.events.codec import decode
from shared.parked_records import Bad
from shared.suppressions.placement import partitions_of

EventT = TypeVar("EventT")

REASONS = (
    "unreadable",
    "tombstone",
    "too_large",
    "not_json",
    "unknown_type",
    "unknown_version",
    "invalid",
    "wrong_partition",
)
"""Why a record is bad, whoever reads it: an alert on the first of its kind needs each to be counted from 0."""


def read_events(
    adapter: TypeAdapter[EventT], records: Sequence[Polled], partitions: int | None = None
) -> tuple[list[tuple[Polled, EventT]], list[Bad]]:
    """Return the events with their records, and the records that are not events with the reason.

    With `partitions`, an event must be in the partition of its phones: elsewhere it is in no order with the others.
    """
    read: list[tuple[Polled, EventT]] = []
    bad: list[Bad] = []
    for record in records:
        try:
            read.append((record, event_of(adapter, record)))
        except PoisonError as error:
            bad.append((record, error))
    if partitions is None:
        return read, bad
    right = _right_partitions([event for _, event in read], partitions)
    events: list[tuple[Polled, EventT]] = []
    for record, event in read:
        other = _other_partition(record, event, right)
        if other is None:
            events.append((record, event))
        else:
            bad.append((record, _misplaced(other)))
    return events, bad


def _other_partition(record: Polled, event: object, right: Mapping[str, int]) -> int | None:
    """Return another partition than the record's that a phone of its event belongs to; None: there is none."""
    return next((right[phone] for phone in _phones_of(event) if right[phone] != record.partition), None)


def event_of(adapter: TypeAdapter[EventT], record: Polled) -> EventT:
    """Return the event that a record holds.

    Raises:
        PoisonError: `unreadable` where Kafka's bytes could not be read, else as `decode`.
    """
    if isinstance(record, Unreadable):
        raise PoisonError("unreadable", record.cause)
    return decode(adapter, record.value)


def _right_partitions(events: Sequence[object], partitions: int) -> dict[str, int]:
    """Return the partition of each phone that the events are about."""
    phones = list({phone for event in events for phone in _phones_of(event)})
    return dict(zip(phones, partitions_of([phone.encode() for phone in phones], partitions), strict=True))


def _phones_of(event: object) -> Sequence[str]:
    """Return the phones that the event is about; a fence marker has none."""
    phone: str | None = getattr(event, "phone", None)
    return getattr(event, "phones", ()) if phone is None else (phone,)


def _misplaced(right: int) -> PoisonError:
    """Return the refusal of an event about a phone of another partition: it would be in no order with the others."""
    return PoisonError("wrong_partition", f"the phone belongs to partition {right}; place it by murmur2 of the phone")
