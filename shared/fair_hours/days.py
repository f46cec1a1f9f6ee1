"""Days and parts of days, as tables and settings write them."""

import re
from typing import NamedTuple

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "holiday"
DAY_MINUTES = 24 * 60
_CLOSED = "closed"
_RANGE = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class Minutes(NamedTuple):
    """A part of a day on the wall clock, in minutes since midnight; `end` is not part of it."""

    start: int
    end: int


def days_of(text: str) -> tuple[str, ...]:
    """Return the days of `mon-fri`, `sun` or `holiday`.

    Raises:
        ValueError: it is none of these.
    """
    if text == HOLIDAY:
        return (HOLIDAY,)
    first, _, last = text.partition("-")
    found = DAYS[DAYS.index(first) : DAYS.index(last or first) + 1] if {first, last or first} <= set(DAYS) else ()
    if not found:
        raise ValueError(f"{text!r}: write days as mon or as mon-fri, from Monday to Sunday")
    return found


def minutes_of(text: str) -> Minutes | None:
    """Return the part of a day of `09:00-20:30`; None for `closed`.

    Raises:
        ValueError: it is neither.
    """
    if text == _CLOSED:
        return None
    found = _RANGE.fullmatch(text)
    hours = [int(part) for part in found.groups()] if found else [0, 0, 0, 0]
    part = Minutes(hours[0] * 60 + hours[1], hours[2] * 60 + hours[3])
    if not part.start < part.end <= DAY_MINUTES:
        raise ValueError(f"{text!r}: write hours as 09:00-20:30 within one day, or closed")
    return part
