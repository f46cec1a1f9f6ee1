"""The events in records, for every reader: whatever is wrong with a record is a `PoisonError`, and it is parked.

Bad records stop no reader: `shared.parking.Parking` parks them, individually up to a rate, then as a summary.
"""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import TypeAdapter

from shared.consumer import Polled, Unreadable
from shared.errors import PoisonError
from shared.events.codec import decode
from shared.parked_records import Bad
from shared.partitions import partition_of

EventT = TypeVar("EventT")


def read_events(
    adapter: TypeAdapter[EventT], records: Sequence[Polled], partitions: int | None = None
) -> tuple[list[tuple[int, EventT]], list[Bad]]:
    """Return the events with their offsets, and the records that are not events with the reason.

    With `partitions`, an event must be in the partition of its phone: elsewhere it is in no order with the others.
    """
    events: list[tuple[int, EventT]] = []
    bad: list[Bad] = []
    for record in records:
        try:
            event = event_of(adapter, record)
            if partitions is not None:
                check_place(event, record, partitions)
        except PoisonError as error:
            bad.append((record, error))
        else:
            events.append((record.offset, event))
    return events, bad


def event_of(adapter: TypeAdapter[EventT], record: Polled) -> EventT:
    """Return the event that a record holds.

    Raises:
        PoisonError: `unreadable` where Kafka's bytes could not be read, else as `decode`.
    """
    if isinstance(record, Unreadable):
        raise PoisonError("unreadable", record.cause)
    return decode(adapter, record.value)


def check_place(event: object, record: Polled, partitions: int) -> None:
    """Refuse an event that is about a phone of another partition: what it says would be in no order with the others.

    Raises:
        PoisonError: `wrong_partition`.
    """
    phone = getattr(event, "phone", None)
    if phone is None:
        return
    right = partition_of(phone, partitions)
    if right != record.partition:
        raise PoisonError(
            "wrong_partition", f"the phone belongs to partition {right}; place it by murmur2 of the phone"
        )
