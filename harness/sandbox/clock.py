"""The one clock: microseconds since 1970, UTC, shown as every time of Stopline is."""

import time
from datetime import UTC, datetime, timedelta

from shared.events.base import format_time

_EPOCH = datetime.fromtimestamp(0, UTC)


def now_microseconds() -> int:
    return time.time_ns() // 1000


def shown(microseconds: int | None) -> str | None:
    """Return ISO 8601 with microseconds; None for what has not happened."""
    return None if microseconds is None else format_time(_EPOCH + timedelta(microseconds=microseconds))
