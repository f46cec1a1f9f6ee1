"""Rows of the Reassigned Numbers Database's answers: which of them end a consent, and which are refused."""

from datetime import UTC, datetime
from functools import partial

import pytest

from services.optout.contact_columns import BadRowError, ContactReader
from services.optout.contact_phone import contact_phone
from services.optout.jobs.reassignment import COUNTRY, ReassignmentReader, reassignment_columns

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HEADER = ["TN", "Date", "Response", "note"]
READER = ReassignmentReader(ContactReader(reassignment_columns(HEADER), partial(contact_phone, country=COUNTRY)), NOW)


def line(*row: str) -> str:
    return READER.line([*row, ""])


def test_a_yes_ends_the_consent_of_its_day_and_the_other_answers_nothing() -> None:
    assert line("4155550100", "2024-05-31", "Yes") == "+14155550100\t2024-05-31T23:59:59.999999+00:00\n"
    assert line("(415) 555-0100", NOW.date().isoformat(), "y") == f"+14155550100\t{NOW.isoformat()}\n"
    assert [line("4155550100", "2024-05-31", answer) for answer in ("no", "N", "No Data", "no_data")] == [""] * 4


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("4155550100", "2024-05-31", "perhaps"), "not an answer"),
        (("4155550100", "31.5.2024", "yes"), "not a past date"),
        (("4155550100", "2026-11-25", "yes"), "not a past date"),
        (("4155550100", "", "yes"), "not a past date"),
        (("nobody", "2024-05-31", "yes"), "phone"),
        (("1.4155E+10", "2024-05-31", "yes"), "rounded"),
    ],
)
def test_a_row_that_is_not_an_answer_says_why(row: tuple[str, str, str], reason: str) -> None:
    with pytest.raises(BadRowError, match=reason):
        line(*row)


@pytest.mark.parametrize("header", [["number", "answer"], ["number", "date", "answer", "response"], []])
def test_the_first_row_names_all_three_columns_once(header: list[str]) -> None:
    with pytest.raises(ValueError, match="number, date, answer"):
        reassignment_columns(header)
