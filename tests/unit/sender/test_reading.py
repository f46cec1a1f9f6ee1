"""Records as requests and bad records, and where reading stops."""

from types import SimpleNamespace

import pytest

from services.sender.reading import read

GOOD = (
    b'{"type": "message_requested", "account_id": "acme", "message_id": "m-1", "list_id": 7,'
    b' "phone": "+14155550100", "sender_number": "ACME", "body": "Hi. STOP to end"}'
)
BAD = b"{}"
LIMIT = 3


def records(*values: bytes | None) -> list[SimpleNamespace]:
    return [SimpleNamespace(value=value, offset=offset) for offset, value in enumerate(values)]


def test_good_and_bad_records_are_told_apart_with_the_reason() -> None:
    given = records(GOOD, b"not json", None)
    found = read(given, 0, LIMIT)
    assert [request.message_id for request in found.requests] == ["m-1"]
    assert [(record.offset, error.reason) for record, error in found.bad] == [(1, "not_json"), (2, "tombstone")]
    assert found.handled == given


def test_a_good_record_ends_a_row_of_bad_ones() -> None:
    found = read(records(BAD, BAD, BAD, GOOD, BAD), 0, LIMIT)
    assert (len(found.handled), len(found.bad), found.bad_in_a_row) == (5, 4, 1)


def test_reading_stops_where_too_many_bad_records_stand_in_a_row() -> None:
    found = read(records(GOOD, BAD, BAD, BAD, BAD, GOOD), 0, LIMIT)
    assert (len(found.handled), len(found.bad), len(found.requests)) == (4, 3, 1)


@pytest.mark.parametrize(("before", "handled"), [(0, 3), (2, 1), (3, 0)])
def test_the_row_goes_on_over_batches(before: int, handled: int) -> None:
    assert len(read(records(BAD, BAD, BAD, BAD), before, LIMIT).handled) == handled


def test_a_request_from_any_producer_may_have_fields_that_we_do_not_know() -> None:
    assert len(read(records(GOOD.replace(b"{", b'{"campaign": {"id": 3}, ', 1)), 0, LIMIT).requests) == 1
