"""A day that somebody writes in a form lifts nothing that was asked for after it, and misses no opt-out of it."""

from datetime import UTC, datetime

import pytest

from services.dashboard.said_days import consent_time, moment_text, opt_out_time

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OPENED = datetime(2026, 11, 24, 11, 58, tzinfo=UTC)


def test_consent_without_a_day_is_as_old_as_the_form_and_not_newer_than_a_stop_since() -> None:
    assert consent_time("", "", moment_text(OPENED)) == OPENED
    assert consent_time(" ", "Europe/Berlin", "") is None  # the API's own clock
    assert consent_time("", "", "2026-11-24T12:00:00") is None


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("Australia/Sydney", datetime(2026, 11, 22, 13, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("", datetime(2026, 11, 22, 10, tzinfo=UTC)),  # nowhere has the day begun before
        ("../../etc/passwd", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("America", datetime(2026, 11, 22, 10, tzinfo=UTC)),
    ],
)
def test_consent_of_a_day_counts_from_its_start_where_the_person_is(zone: str, begins: datetime) -> None:
    assert consent_time("2026-11-23", zone, moment_text(OPENED)) == begins


@pytest.mark.parametrize(
    ("day", "zone", "asked_at"),
    [
        ("", "UTC", None),
        ("2026-11-24", "UTC", None),  # today: after an opt-in of this morning
        ("2026-11-24", "", None),
        ("2026-11-23", "", datetime(2026, 11, 24, 11, 59, 59, 999_999, tzinfo=UTC)),  # now nowhere has that day
        ("2026-11-23", "UTC", datetime(2026, 11, 23, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2026-11-25", "UTC", datetime(2026, 11, 25, tzinfo=UTC)),  # the API says that it is in the future
        ("2026-11-25", "Pacific/Auckland", None),  # there it is that day already
    ],
)
def test_an_opt_out_of_a_day_is_later_than_an_opt_in_of_it(day: str, zone: str, asked_at: datetime | None) -> None:
    assert opt_out_time(day, zone, NOW) == asked_at


@pytest.mark.parametrize("day", ["24/11/2026", "yesterday", "2026-02-30", "9999-12-31", "0001-01-01"])
def test_a_day_that_cannot_be_read_is_refused_and_is_not_today(day: str) -> None:
    with pytest.raises(ValueError, match="such as 2026-11-24"):
        consent_time(day, "UTC", moment_text(OPENED))
    with pytest.raises(ValueError, match="such as 2026-11-24"):
        opt_out_time(day, "UTC", NOW)
