"""Rows of a file of opt-outs: one whose date cannot be read is reported, and counts without it."""

from datetime import UTC, datetime
from functools import partial

import pytest

from services.optout.contact_columns import BadRowError, ContactReader
from services.optout.contact_phone import contact_phone
from services.optout.jobs.opt_out_import import OptOutReader, opt_out_columns

COLUMNS = opt_out_columns(["number", "list", "date", "source"])
READER = OptOutReader(
    ContactReader(COLUMNS, partial(contact_phone, country="US")),
    {"7": "list:7"},
    datetime(2026, 11, 24, 12, tzinfo=UTC),
)


def test_a_row_is_a_line_with_its_scope_and_its_time_in_utc() -> None:
    line = READER.line(["(415) 555-0100", "7", "2024-05-31T02:00:00+02:00", "the  old system"])
    assert line == "+14155550100\tlist:7\t2024-05-31T00:00:00+00:00\tthe old system\n"


@pytest.mark.parametrize("date", ["31.5.2024", "2030-01-01", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_a_date_that_cannot_be_read_costs_nobody_the_opt_out(date: str) -> None:
    with pytest.raises(BadRowError, match="is not a past date") as refused:
        READER.line(["4155550100", "", date, ""])
    assert refused.value.line == "+14155550100\taccount\t\t\n"
