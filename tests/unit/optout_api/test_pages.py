"""Cursors: a cursor that was given out is accepted, and nothing else."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
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


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.datetimes().map(str),
        lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=2),
        max_leaves=5,
    )
)
def test_any_json_is_a_cursor_of_ours_or_is_refused(value: object) -> None:
    text = base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    for first in ((0,), (EARLY,), (NO_ID,), ("",), (EARLY, NO_ID), ("", "")):
        try:
            keys = keys_after(text, *first)
        except ApiError:
            continue
        assert [type(key) for key in keys] == [type(key) for key in first]
        assert all(key.tzinfo is not None for key in keys if isinstance(key, datetime))


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("2026-01-01 00:00:00", EARLY),
        ("0001-01-01 00:00:00+14:00", EARLY),
        ("9999-12-31 23:59:59-14:00", EARLY),
        ("2026-01-01", EARLY),
        ("", EARLY),
        ("{00000000-0000-0000-0000-000000000000}", NO_ID),
        ("urn:uuid:00000000-0000-0000-0000-000000000000", NO_ID),
        ("0" * 32, NO_ID),
        (2**63, 0),
        (-1, 0),
        (True, 0),
        (1.0, 0),
        (None, 0),
        ("a\0", ""),
        ("\ud800", ""),
        (["a"], ""),
    ],
)
def test_a_key_that_postgres_could_not_compare_is_refused(key: Any, first: Key) -> None:
    with pytest.raises(ApiError):
        keys_after(cursor(key), first)


@pytest.mark.parametrize("change", ["{}=", "{}==", "{}A", " {}", "{}\n", "+{}", "{}\u00e9", "{}" + "A" * 600])
def test_a_cursor_that_was_changed_is_refused(change: str) -> None:
    with pytest.raises(ApiError):
        keys_after(change.format(cursor(17)), 0)


def test_a_page_names_the_next_one_only_where_there_is_more() -> None:
    rows = [{"n": n} for n in range(3)]
    full = page("rows", rows, 2, dict, "n")
    assert (full["rows"], keys_after(full["next"], 0)) == (rows[:2], [1])
    assert page("rows", rows, 3, dict, "n") == {"rows": rows, "next": None}
