"""The event in a record, for every reader: whatever is wrong with a record is a `PoisonError`."""

from typing import TypeVar

from pydantic import TypeAdapter

from shared.consumer import Polled, Unreadable
from shared.errors import PoisonError
from shared.events.base import Event
from shared.events.codec import decode
from shared.partitions import partition_of

EventT = TypeVar("EventT")


def event_of(adapter: TypeAdapter[EventT], record: Polled) -> EventT:
    """Return the event that a record holds.

    Raises:
        PoisonError: `unreadable` where Kafka's bytes could not be read, else as `decode`.
    """
    if isinstance(record, Unreadable):
        raise PoisonError("unreadable", record.cause)
    return decode(adapter, record.value)


def check_place(event: Event, record: Polled, partitions: int) -> None:
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
