"""The sandbox's clock: microseconds since 1970, UTC, shown in Stopline's time format."""

import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta

from shared.events.base import format_time

_EPOCH = datetime.fromtimestamp(0, UTC)


def now_microseconds() -> int:
    return time.time_ns() // 1000


def shown(microseconds: int | None) -> str | None:
    """Return the time as ISO 8601 with microseconds; None if there is none."""
    return None if microseconds is None else format_time(_EPOCH + timedelta(microseconds=microseconds))


class WritingTimes:
    """The second of each phone's last text: no phone writes twice in one, so that the order of its texts is known."""

    def __init__(self, max_phones: int, max_ahead_seconds: int) -> None:
        self._max_phones = max_phones
        self._max_ahead = max_ahead_seconds
        self._last: OrderedDict[str, int] = OrderedDict()

    def next(self, phone: str, now_seconds: int) -> int:
        """Return `now_seconds`, or the second after the phone's last text if that is later, within the limit ahead."""
        second = max(now_seconds, min(self._last.pop(phone, 0) + 1, now_seconds + self._max_ahead))
        self._last[phone] = second
        if len(self._last) > self._max_phones:
            self._last.popitem(last=False)
        return second
