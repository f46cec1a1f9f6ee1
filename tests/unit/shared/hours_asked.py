"""What the tests of hours share: moments by the wall clock of a zone, and questions about one recipient."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.fair_hours.ask import AccountHours, HoursAnswer
from shared.fair_hours.sending_hours import SendingHours

SECOND = timedelta(seconds=1)
MONDAY, SATURDAY, SUNDAY = date(2026, 6, 8), date(2026, 6, 13), date(2026, 6, 14)
NEW_YORK, CHICAGO, DENVER, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"


def at(zone: str, day: date, wall: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(wall), ZoneInfo(zone)).astimezone(UTC)


def asked(
    now: datetime, phone: str = "+12125550100", state: str | None = None, zone: str | None = None, **own: Any
) -> HoursAnswer:
    return AccountHours(SendingHours(applies_to="marketing", **own)).ask(phone, state, zone, now)
