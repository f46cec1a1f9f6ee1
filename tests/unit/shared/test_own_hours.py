"""An account's own hours, and clocks that are changed."""

from datetime import UTC, date, datetime

import pytest
from hours_asked import MONDAY, NEW_YORK, SATURDAY, SECOND, asked, at

from shared.fair_hours.ask import Closed, Never, Open
from shared.fair_hours.calendar import CLOCK_ERROR
from shared.fair_hours.days import minutes_of
from shared.fair_hours.sending_hours import SendingHours


def test_own_hours_narrow_every_rule() -> None:
    own = {"mon-fri": "10:00-18:00"}
    assert isinstance(asked(at(NEW_YORK, MONDAY, "09:30"), own=own), Closed)
    assert isinstance(asked(at(NEW_YORK, MONDAY, "17:30"), own=own), Open)
    answer = asked(at(NEW_YORK, SATURDAY, "12:00"), own=own)
    assert isinstance(answer, Closed)
    assert answer.rule_id == "account:own"
    assert answer.until == at(NEW_YORK, date(2026, 6, 15), "10:00") + SECOND


def test_own_hours_never_widen_a_rule() -> None:
    own = {"mon-sun": "00:00-24:00"}
    assert isinstance(asked(at(NEW_YORK, MONDAY, "21:30"), own=own), Closed)


def test_countries_without_a_rule_have_the_hours_of_elsewhere() -> None:
    british = "+447700900123"
    assert isinstance(asked(at("Europe/London", MONDAY, "21:30"), british), Closed)
    assert isinstance(asked(at("Europe/London", MONDAY, "21:30"), british, elsewhere=None), Open)
    wider = {"mon-sun": "07:00-23:00"}
    assert isinstance(asked(at("Europe/London", MONDAY, "21:30"), british, elsewhere=wider), Open)
    assert isinstance(asked(at(NEW_YORK, MONDAY, "21:30"), elsewhere=wider), Closed)


def test_places_without_a_common_hour_get_an_answer_that_says_so() -> None:
    own = {"mon-sun": "09:00-12:00"}
    answer = asked(at(NEW_YORK, MONDAY, "10:00"), "+79161234567", own=own)
    assert isinstance(answer, Never)
    assert {"Europe/Kaliningrad", "Asia/Kamchatka"} <= set(answer.zones)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"mon-sun": "20:00-08:00"}, "within one day"),
        ({"mon-sun": "09:00-11:59"}, "at least 3 hours"),
        ({"mon-sun": "9-12"}, "write hours"),
        ({"mon-sun": "09:00-24:01"}, "write hours"),
        ({}, "at least one day"),
        ({"mon": "closed"}, "at least one day"),
        ({"monday": "09:00-18:00"}, "write days"),
        ({"fri-mon": "09:00-18:00"}, "write days"),
        ({"mon-fri": "09:00-18:00", "wed": "09:00-18:00"}, "wed is there twice"),
        ({"mon": "09:00-18:00", "holiday": "closed"}, "holidays are those of the rules"),
    ],
)
def test_own_hours_that_make_no_sense_are_refused(given: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        SendingHours(own=given)


def test_a_default_zone_that_this_process_does_not_know_yet_is_utc() -> None:
    noon = at("Etc/UTC", MONDAY, "12:00")
    assert isinstance(asked(noon, "+881612345678", default_zone="Mars/Base"), Open)


# Clocks that change.

LATE_NIGHT = {"mon-sun": "02:30-06:00"}


def _opens(zone: str, now: datetime, own: dict[str, str]) -> datetime:
    # British numbers have no rule of their own: only the account's hours count.
    answer = asked(now, "+447700900123", zone=zone, own=own, elsewhere=None)
    assert isinstance(answer, Closed)
    return answer.until - CLOCK_ERROR


def test_hours_that_begin_in_an_hour_that_is_skipped_begin_after_it() -> None:
    # The zone alone decides: +44 has no rules, and zones of the United States bring theirs.
    found = _opens("Europe/Berlin", datetime(2026, 3, 28, 23, 30, tzinfo=UTC), LATE_NIGHT)
    assert found == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 3:00, the first moment after 1:59:59


def test_hours_that_begin_in_an_hour_that_is_repeated_begin_the_second_time() -> None:
    found = _opens("Europe/Berlin", datetime(2026, 10, 24, 23, 0, tzinfo=UTC), LATE_NIGHT)
    assert found == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 2:30 for the second time


def test_hours_that_end_in_an_hour_that_is_repeated_end_the_first_time() -> None:
    early = {"mon-sun": "00:00-03:00"}
    before = asked(
        datetime(2026, 10, 24, 23, 0, tzinfo=UTC), "+447700900123", zone="Europe/Berlin", own=early, elsewhere=None
    )
    assert isinstance(before, Open)
    half = {"mon-sun": "00:00-24:00"}
    whole = asked(
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "+447700900123", zone="Europe/Berlin", own=half, elsewhere=None
    )
    assert isinstance(whole, Open)


def test_midnight_is_the_end_of_the_day() -> None:
    assert minutes_of("20:00-24:00") == (1200, 1440)
