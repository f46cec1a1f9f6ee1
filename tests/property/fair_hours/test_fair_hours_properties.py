"""Hours for any recipient at any time, against an oracle that walks minute by minute and shares no code with them."""

import tomllib
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
from hypothesis import example, given, settings
from hypothesis import strategies as st

import shared.fair_hours
from shared.fair_hours.ask import AccountHours, Never, Open
from shared.fair_hours.sending_hours import SendingHours

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
DATA = Path(shared.fair_hours.__file__).parent / "data"
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
PLAN = tomllib.loads((DATA / "nanp.toml").read_text("utf-8"))["area_codes"]
RULES = tomllib.loads((DATA / "rules.toml").read_text("utf-8"))["rule"]
CODES = sorted(code for row in PLAN for code in row["codes"])
LOOKS_AHEAD = timedelta(days=33)

codes = st.sampled_from(CODES)
moments = st.integers(0, 3 * 366 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
hours_of_day = st.integers(0, 21).flatmap(
    lambda start: st.integers(start + 3, 24).map(lambda end: f"{start:02}:00-{end:02}:00")
)
own_hours = st.none() | st.dictionaries(st.sampled_from(WEEK), hours_of_day, min_size=1)


def where(code: int) -> tuple[list[str], list[str]]:
    return next((row["places"], row["zones"]) for row in PLAN if code in row["codes"])


@cache
def days_off(place: str) -> holidays.HolidayBase:
    country, _, state = place.partition("-")
    return holidays.country_holidays(country, subdiv=state or None)


def range_for(rule: dict, day: date) -> str | None:
    """The hours of the rule's line for a day; `closed` where there is none."""
    if "holidays" in rule and day in days_off(rule["holidays"]):
        return rule["hours"]["holiday"]
    for days, text in rule["hours"].items():
        first, _, last = days.partition("-")
        if first in WEEK and WEEK.index(first) <= day.weekday() <= WEEK.index(last or first):
            return text
    return "closed"


def texts_for(code: int, day: date, own: dict[str, str] | None, elsewhere: str | None) -> list[str]:
    places, _ = where(code)
    mine = [rule for place in places for rule in RULES if {place, place[:2]} & set(rule["places"])]
    texts = [range_for(rule, day) for rule in mine if rule["valid_from"] <= day]
    if own is not None:
        texts.append(own.get(WEEK[day.weekday()]) or own.get("mon-sun") or "closed")
    if not all(any({place, place[:2]} & set(rule["places"]) for rule in RULES) for place in places) and elsewhere:
        texts.append(elsewhere)
    return texts


class Oracle:
    """Says of each minute of a zone's day whether it is between the last before the start and the first at the end."""

    def __init__(self, code: int, own: dict[str, str] | None) -> None:
        self._code, self._own = code, own
        self._days: dict[tuple[str, date], tuple[datetime, datetime] | None] = {}

    def allows(self, moment: datetime) -> bool:
        return all(self._allows(zone, moment) for zone in where(self._code)[1])

    def _allows(self, zone: str, moment: datetime) -> bool:
        day = moment.astimezone(ZoneInfo(zone)).date()
        found = (
            self._days.setdefault((zone, day), self._span(zone, day))
            if (zone, day) not in self._days
            else self._days[zone, day]
        )
        return found is not None and found[0] + SECOND <= moment < found[1] - 2 * SECOND

    def _span(self, zone: str, day: date) -> tuple[datetime, datetime] | None:
        texts = texts_for(self._code, day, self._own, "08:00-21:00")
        if "closed" in texts:
            return None
        start = max((text.split("-")[0] for text in texts), default="00:00")
        end = min((text.split("-")[1] for text in texts), default="24:00")
        minute = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
        opens, closes, last = None, None, None
        for _ in range(60 * 60):
            wall = minute.astimezone(ZoneInfo(zone))
            if wall.date() == day:
                shown = f"{wall:%H:%M}"
                if shown < start:
                    opens = None
                elif opens is None:
                    opens = minute
                if shown >= end and closes is None:
                    closes = minute
                last = minute + MINUTE
            minute += MINUTE
        closes = closes or last
        return None if opens is None or closes is None or opens >= closes else (opens, closes)


def test_the_oracle_knows_a_day() -> None:
    oracle = Oracle(212, None)
    new_york = ZoneInfo("America/New_York")
    assert not oracle.allows(datetime(2026, 6, 8, 7, 59, tzinfo=new_york))
    assert oracle.allows(datetime(2026, 6, 8, 8, 1, tzinfo=new_york))
    assert not oracle.allows(datetime(2026, 6, 8, 21, 0, tzinfo=new_york))


@given(codes, moments, own_hours)
@example(212, datetime(2026, 11, 1, 5, 59, 59, tzinfo=UTC), {"mon-sun": "01:00-04:00"})
@example(212, datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC), {"mon-sun": "02:00-05:00"})
@example(504, datetime(2027, 2, 8, 15, 0, tzinfo=UTC), {"tue": "09:00-12:00"})
@settings(max_examples=40, deadline=None)
def test_the_answer_is_the_first_moment_that_a_walk_minute_by_minute_allows(
    code: int, now: datetime, own: dict[str, str] | None
) -> None:
    answer = AccountHours(SendingHours(applies_to="all", own=own)).ask(f"+1{code}5550100", None, None, now)
    oracle = Oracle(code, own)
    if isinstance(answer, Never):
        step = now.replace(second=30, microsecond=0)
        assert not any(oracle.allows(step + 30 * MINUTE * n) for n in range(2 * 24 * 31))
        return
    assert oracle.allows(now) == isinstance(answer, Open)
    assert not oracle.allows(answer.until) if isinstance(answer, Open) else oracle.allows(answer.until)
    assert oracle.allows(answer.until - SECOND) == isinstance(answer, Open)
    minute = now
    while minute < answer.until:  # nothing changes in between
        assert oracle.allows(minute) == isinstance(answer, Open)
        minute += 7 * MINUTE


@given(codes, moments, own_hours, st.timedeltas(timedelta(0), timedelta(days=3)))
@settings(max_examples=100, deadline=None)
def test_whoever_asks_later_never_waits_for_an_earlier_moment(
    code: int, now: datetime, own: dict[str, str] | None, later: timedelta
) -> None:
    hours = AccountHours(SendingHours(applies_to="all", own=own))

    def leaves(at: datetime) -> datetime:
        answer = hours.ask(f"+1{code}5550100", None, None, at)
        return (
            at
            if isinstance(answer, Open)
            else datetime.max.replace(tzinfo=UTC)
            if isinstance(answer, Never)
            else answer.until
        )

    assert leaves(now) <= leaves(now + later)
    assert leaves(now + later) >= now + later


@given(codes, moments, own_hours)
@settings(max_examples=100, deadline=None)
def test_what_is_kept_changes_no_answer(code: int, now: datetime, own: dict[str, str] | None) -> None:
    given_hours = SendingHours(applies_to="all", own=own)
    kept, phone = AccountHours(given_hours), f"+1{code}5550100"
    for step in (timedelta(0), timedelta(hours=5), timedelta(hours=-9), timedelta(seconds=1)):
        fresh = AccountHours(given_hours).ask(phone, None, None, now + step)
        assert kept.ask(phone, None, None, now + step) == fresh or isinstance(fresh, Never)


@given(codes, moments, own_hours)
@settings(max_examples=100, deadline=None)
def test_nothing_waits_longer_than_the_horizon(code: int, now: datetime, own: dict[str, str] | None) -> None:
    answer = AccountHours(SendingHours(applies_to="all", own=own)).ask(f"+1{code}5550100", None, None, now)
    assert isinstance(answer, Never) or answer.until - now <= LOOKS_AHEAD
