"""Rows of a file of contacts: which columns there are, and why a row is refused."""

import json

import pytest

from services.optout.contact_columns import BadRowError, ContactReader, columns_of, is_header
from shared.phones import normalise_phone


def test_field_order_is_a_string_or_a_list_with_either_spelling_of_the_custom_fields() -> None:
    assert columns_of("phone, custom1,skip,email") == ["phone", "custom_1", None, "email"]
    assert columns_of(["phone_number", "custom_4"]) == ["phone", "custom_4"]


@pytest.mark.parametrize("given", ["phone,phone", "first_name", "phone,salary", "", []])
def test_a_field_order_that_says_nothing_is_refused(given: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"column|twice"):
        columns_of(given)


def test_a_line_is_what_postgres_copies() -> None:
    reader = ContactReader(["phone", "first_name", None], normalise_phone, "acme\t7\t")
    line = reader.line(["+1 (415) 555-0100", ' Ann "Zoë"\n\\', "left out"])
    account, list_id, phone, fields = line.removesuffix("\n").split("\t")
    assert (account, list_id, phone) == ("acme", "7", "+14155550100")
    assert json.loads(fields.replace("\\\\", "\\")) == {"first_name": 'Ann "Zoë"\n\\'}
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (["1.4155E+10", "", ""], "rounded"),
        (["nobody", "", ""], "not a phone number"),
        (["+14155550100"], "columns"),
        (["", "Ann", ""], "neither"),
        (["+14155550100", "x" * 1001, ""], "longer"),
    ],
)
def test_a_bad_row_says_why(row: list[str], why: str) -> None:
    with pytest.raises(BadRowError, match=why):
        ContactReader(["phone", "first_name", "email"], normalise_phone).line(row)


def test_a_contact_may_have_only_an_address() -> None:
    assert ContactReader(["phone", "email"], normalise_phone).line(["", "ann@example.com"]).startswith(r"\N")


@pytest.mark.parametrize(
    ("row", "expected"), [(["Phone", "Name"], True), (["+14155550100", "Ann"], False), (["", "x"], False)]
)
def test_a_header_is_not_a_contact(row: list[str], *, expected: bool) -> None:
    assert is_header(row, ["phone", "first_name"]) is expected
