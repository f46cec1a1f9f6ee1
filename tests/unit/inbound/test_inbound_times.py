"""Times in every form that gateways write, and text that is not a time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inbound.gateways.times import GivenTime, given_time, read_time

THEN = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
NOW = THEN + timedelta(seconds=5)


@pytest.mark.parametrize(
    "text",
    [
        "1795518780",
        "1795518780.0",
        "1.79551878e9",
        "1.79551878E+12",
        "1795518780000",
        "1795518780000.0",
        "1795518780000000",
        "1795518780000000000",
        "2026-11-24T11:13:00Z",
        "2026-11-24t11:13:00z",
        "2026-11-24T11:13Z",
        "2026-11-24T11:13:00.000000000Z",
        "2026-11-24T11:13:00,0Z",
        "2026-11-24T11:13:00+00:00",
        "2026-11-24T22:13:00+1100",
        "2026-11-24T22:13:00+11",
        "2026-11-24T06:13:00-05:00",
        "2026-11-24T11:13:00 +00:00",
        "2026-11-24T11:13:00.000+0000",
        "20261124T111300Z",
        "2026-11-24T11:13:00",
        "2026-11-24 11:13:00",
        "2026-11-24 11:13:00.000",
        "2026-11-24 11:13:00 UTC",
        "2026-11-24 11:13:00 +0000",
        "20261124111300",
        "Tue, 24 Nov 2026 11:13:00 +0000",
        "Tue, 24 Nov 2026 11:13:00 GMT",
        "Tue, 24 Nov 2026 11:13:00 -0000",
        "Tue, 24 Nov 2026 22:13:00 +1100",
        "24 Nov 2026 11:13:00 +0000",
        "Tue, 24 Nov 2026 06:13:00 EST",
        "Tuesday, 24-Nov-26 11:13:00 GMT",
        "Tue Nov 24 11:13:00 2026",
        "Tue Nov 24 11:13:00 UTC 2026",
    ],
)
def test_every_form_of_one_moment_is_that_moment(text: str) -> None:
    assert read_time(text) == THEN
    assert given_time(f" {text}\n", NOW) == GivenTime(THEN)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "-1795518780",
        "1",
        "9" * 12,
        "9" * 20,
        "9" * 400,
        "1e9",
        "1e99",
        "NaN",
        "inf",
        "0x6b",
        "1_795_518_780",
        "\u0661\u0667\u0669\u0665\u0665\u0661\u0668\u0667\u0668\u0660",
        "now",
        "yesterday",
        "2026-11-24",
        "20261124",
        "2026-W48-2",
        "11:13:00",
        "11/24/2026 11:13:00",
        "24.11.2026 11:13",
        "Nov 24 2026 01:13:00 PM",
        "2026-11-24T25:00:00Z",
        "2026-02-30T11:13:00Z",
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "253402300799",
        "Tue, 24 Nov 2026 11:13:00 IST",
        "Tue Nov 24 11:13:00 CEST 2026",
        "2026-11-24T11:24:00Z",
        "2025-11-20T11:13:00Z",
        "{}",
        "\x00",
    ],
)
def test_text_that_is_not_a_plausible_time_is_kept_as_written(text: str) -> None:
    assert given_time(text, NOW) == GivenTime(unusable=text[:64])


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_time_is_none(text: str | None) -> None:
    assert given_time(text, NOW) == GivenTime()


@given(st.text(max_size=80))
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = read_time(text)
    assert found is None or found.tzinfo is UTC


@given(st.datetimes(datetime(2002, 1, 1), datetime(2099, 12, 31)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001 (the zone is given below)
def test_units_and_zones_of_one_moment_agree(naive: datetime, minutes: int) -> None:
    moment = naive.replace(microsecond=0, tzinfo=UTC)
    seconds = int(moment.timestamp())
    there = moment.astimezone(timezone(timedelta(minutes=minutes)))
    written = [str(seconds * unit) for unit in (1, 10**3, 10**6, 10**9)]
    written += [there.isoformat(), there.isoformat(" "), there.strftime("%a, %d %b %Y %H:%M:%S %z")]
    assert {read_time(text) for text in written} == {moment}
