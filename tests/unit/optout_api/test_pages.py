"""Cursors: what was given out is taken back, and nothing else."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.optout.api.errors import ApiError
from services.optout.api.pages import Key, cursor, keys_after, page

EARLY, NO_ID = datetime(1, 1, 1, tzinfo=UTC), UUID(int=0)


@given(st.integers(0, 2**63 - 1), st.datetimes(timezones=st.just(UTC)), st.uuids(), st.from_regex(r"\A[ -~]{0,40}\Z"))
def test_a_cursor_brings_its_keys_back(number: int, moment: datetime, identity: UUID, text: str) -> None:
    keys: list[Key] = [number, moment, identity, text]
    assert keys_after(cursor(*keys), 0, EARLY, NO_ID, "") == keys


@given(st.text(max_size=600))
def test_any_other_text_is_refused_and_never_breaks(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        keys_after(text, 0, "")
    assert refused.value.code == "invalid_cursor"


def test_a_cursor_of_another_kind_of_page_is_refused() -> None:
    for keys in ((1,), (1, "a", "b"), ("a", 1), (-1, "a"), (2**63, "a"), (True, "\0"), (1, "\ud800")):
        with pytest.raises(ApiError):
            keys_after(cursor(*keys), 0, "")


def test_a_page_names_the_next_one_only_where_there_is_more() -> None:
    rows = [{"n": n} for n in range(3)]
    full = page("rows", rows, 2, dict, "n")
    assert (full["rows"], keys_after(full["next"], 0)) == (rows[:2], [1])
    assert page("rows", rows, 3, dict, "n") == {"rows": rows, "next": None}
