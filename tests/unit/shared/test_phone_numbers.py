"""A number is written in one way, whichever way a gateway wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.phones import mask, normalise_phone, normalise_sender_number


@pytest.mark.parametrize(
    "text",
    [
        "+14155550100",
        "14155550100",
        "0014155550100",
        "+1 (415) 555-0100",
        " +1.415.555.0100 ",
        "+1\u2011415\u00a05550100",
    ],
)
def test_all_ways_of_writing_a_phone_become_the_same(text: str) -> None:
    assert normalise_phone(text) == "+14155550100"


@pytest.mark.parametrize(
    "text", ["", "+", "hello", "+0123456789", "12345", "+" + "1" * 16, "+1415555010a", "4" * 1000, "+999"]
)
def test_what_is_not_a_phone_number_is_refused_with_the_fix(text: str) -> None:
    with pytest.raises(ValueError, match="phone number"):
        normalise_phone(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+61 411 111 111", "+61411111111"),
        ("61411111111", "+61411111111"),
        ("12345", "12345"),
        ("Acme", "ACME"),
        (" acme Shop ", "ACME SHOP"),
    ],
)
def test_sender_numbers_are_compared_in_one_form(text: str, number: str) -> None:
    assert normalise_sender_number(text) == number


@pytest.mark.parametrize("text", ["", "12", "a name that is too long", "☎"])
def test_what_is_not_a_sender_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="sender number"):
        normalise_sender_number(text)


@given(st.text(max_size=60))
def test_normalising_a_sender_number_twice_changes_nothing(text: str) -> None:
    try:
        once = normalise_sender_number(text)
    except ValueError:
        return
    assert normalise_sender_number(once) == once


def test_a_masked_phone_shows_too_little_to_call_it() -> None:
    assert mask("+14155550100") == "+14*******00"
