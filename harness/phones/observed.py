"""A record as the page saw it: the event, and the two times that are known of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.events.base import Event

_MICROSECONDS_PER_MILLISECOND = 1_000


@dataclass(frozen=True, slots=True)
class Observed:
    """A record that was read. Times are microseconds since 1970.

    `written_us` is the record's timestamp: when its producer handed it to Kafka's client, in whole milliseconds.
    `seen_us` is when this process read it, which it does as the sender's cache does: after the commit.
    """

    topic: str
    partition: int
    offset: int
    written_us: int
    seen_us: int
    event: Event


def microseconds(moment: datetime) -> int:
    """Return the time as microseconds since 1970, exactly."""
    return round(moment.timestamp() * 1_000_000)


def whole_milliseconds(at_us: int) -> int:
    """Return the time as a record's timestamp would have it."""
    return at_us - at_us % _MICROSECONDS_PER_MILLISECOND


def microseconds_of(text: Any) -> int | None:
    """Return a time in ISO 8601, as the sandbox shows it, as microseconds since 1970."""
    return None if text is None else microseconds(datetime.fromisoformat(str(text)))
