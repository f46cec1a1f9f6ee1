"""What somebody looks for on the opt-out list becomes what the API is asked."""

import pytest

from services.dashboard.opt_out_search import OptOutSearch


def test_days_are_whole_and_the_last_one_counts() -> None:
    asked = OptOutSearch(since="2026-11-01", until="2026-11-30").filters()
    assert (asked["since"], asked["until"]) == ("2026-11-01T00:00:00+00:00", "2026-12-01T00:00:00+00:00")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "9999-12-31"])
def test_a_day_that_is_none_does_not_filter(text: str) -> None:
    assert OptOutSearch(until=text).filters()["until"] is None


def test_empty_filters_are_left_out_of_addresses() -> None:
    assert OptOutSearch(phone=" ", list_id="3", said="opted_in", seen="x").kept() == {"list_id": "3"}
