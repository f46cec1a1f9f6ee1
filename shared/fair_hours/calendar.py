"""The parts of days in which messages may arrive, as moments in UTC: for one time zone and the rules together. Pure.

A part of a day begins once the zone's clock has passed its start for the last time on that day, and ends as soon as the
clock first shows its end: an hour that the clock repeats is not used twice, and one that it skips is not needed.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.fair_hours.days import DAY_MINUTES
from shared.fair_hours.rules import HoursRule
from shared.suppressions.fence_pass import FRESH_SECONDS

CLOCK_ERROR = timedelta(seconds=1)
"""How wrong the clock of the machine may be."""
LEAVES_WITHIN = timedelta(seconds=FRESH_SECONDS) + CLOCK_ERROR
"""After the decision that it may leave now, a message leaves within this time or not at all."""
HORIZON = timedelta(days=31)
"""Farther ahead nobody looks for hours."""
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)

HoursRules = tuple[HoursRule, ...]


class OpenTime(NamedTuple):
    """A time in which a message may be sent: from `opens`, and before `closes`."""

    opens: datetime
    closes: datetime


@lru_cache(maxsize=65_536)
def window_on(zone: str, rules: HoursRules, day: date) -> OpenTime | None:
    """Return the window of a day of the zone's calendar, by all rules; None: there is none.

    It is a second shorter at its start and two at its end: whatever is decided in it also leaves in the hours.
    """
    parts = [rule.part_of(day) for rule in rules if rule.is_in_force(day)]
    wanted = [part for part in parts if part is not None]
    if len(wanted) < len(parts):
        return None
    start = max((each.start for each in wanted), default=0)
    end = min((each.end for each in wanted), default=DAY_MINUTES)
    opens = _passed(zone, day, start, last=True) + CLOCK_ERROR
    closes = _passed(zone, day, end, last=False) - LEAVES_WITHIN
    return OpenTime(opens, closes) if start < end and opens < closes else None


def next_window(zones: Sequence[str], rules: HoursRules, now: datetime) -> OpenTime | None:
    """Return the first window in all zones that has not closed; None: there is none within the horizon."""
    moment = now
    while moment <= now + HORIZON:
        windows = [_first_after(zone, rules, moment) for zone in zones]
        found = [each for each in windows if each is not None]
        if len(found) < len(windows):
            return None
        common = OpenTime(max(each.opens for each in found), min(each.closes for each in found))
        if common.opens < common.closes:
            return common
        moment = common.opens
    return None


def _first_after(zone: str, rules: HoursRules, moment: datetime) -> OpenTime | None:
    """Return the zone's first window that closes later than the moment."""
    today = moment.astimezone(ZoneInfo(zone)).date()
    for days in range(HORIZON.days + 2):
        window = window_on(zone, rules, today + timedelta(days=days))
        if window is not None and window.closes > moment:
            return window
    return None


def _passed(zone: str, day: date, minutes: int, *, last: bool) -> datetime:
    """Return when the zone's clock shows the time of the day, for the first or `last` time; or jumps over it."""
    wall = datetime.combine(day, time(), ZoneInfo(zone)) + timedelta(minutes=minutes)  # on the wall clock
    first, second = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first > second:  # the clock jumps over it
        return _jump(zone, second, first)
    return second if last else first


def _jump(zone: str, before: datetime, after: datetime) -> datetime:
    """Return when the zone's clock changes between two moments; it does once."""
    tz = ZoneInfo(zone)
    old = before.astimezone(tz).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (middle, after) if middle.astimezone(tz).utcoffset() == old else (before, middle)
    return after
