"""Days that people write in forms, as times: where one may mean several, the one that lifts no opt-out. Pure."""

from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_FIRST_YEAR = 1970
_FIRST_TO_BEGIN, _LAST_TO_END = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
"""Where a day begins and ends when the reader's zone is not known: where it is first, and where it is last."""
_UNREADABLE = "write a day as year, month and day, such as 2026-11-24"


def consent_time(day: str, zone: str, seen_at: str) -> datetime | None:
    """Return since when somebody has agreed: the start of the day; without a day, when the form was opened.

    Whatever they asked for after that stays in force.

    Args:
        day: as it is filled in; empty: just now.
        zone: the reader's, such as Australia/Sydney; empty: not known.
        seen_at: when the form was opened, as `moment_text` writes it.

    Raises:
        ValueError: it is not a day.
    """
    return _start(_read(day), _zone(zone) or _FIRST_TO_BEGIN) if day.strip() else _moment(seen_at)


def opt_out_time(day: str, zone: str, now: datetime) -> datetime | None:
    """Return when somebody asked for no more messages: the end of the day; None, which is now, for today.

    An opt-in of that day may have been before it.

    Raises:
        ValueError: it is not a day.
    """
    if not day.strip():
        return None
    read = _read(day)
    begins = _start(read, _zone(zone) or _FIRST_TO_BEGIN)
    ends = _start(read + timedelta(days=1), _zone(zone) or _LAST_TO_END) - timedelta(microseconds=1)
    return begins if begins > now else None if ends >= now else ends


def moment_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _read(day: str) -> date:
    try:
        read = date.fromisoformat(day.strip())
    except ValueError:
        raise ValueError(_UNREADABLE) from None
    if not _FIRST_YEAR <= read.year < MAXYEAR:
        raise ValueError(_UNREADABLE)
    return read


def _start(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _moment(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else None
