"""Records as requests and bad records."""

from types import SimpleNamespace

import pytest
from prometheus_client import Counter

from services.optout import metrics as optout_metrics
from services.sender import metrics as sender_metrics
from shared.consumer import Unreadable
from shared.event_records import REASONS, read_events
from shared.events.codec import MAX_EVENT_BYTES
from shared.events.outbound import outbound_event_adapter
from shared.partitions import partition_of

GOOD = (
    b'{"type": "message_requested", "account_id": "acme", "message_id": "m-1", "list_id": 7,'
    b' "phone": "+14155550100", "sender_number": "ACME", "body": "Hi. STOP to end"}'
)


def records(*values: bytes | None) -> list[SimpleNamespace]:
    return [SimpleNamespace(value=value, offset=offset) for offset, value in enumerate(values)]


def test_good_and_bad_records_are_distinguished_with_the_reason() -> None:
    requests, bad = read_events(outbound_event_adapter, records(GOOD, b"not json", None))
    assert [request.message_id for _, request in requests] == ["m-1"]
    assert [(record.offset, error.reason) for record, error in bad] == [(1, "not_json"), (2, "tombstone")]


def test_what_kafka_could_not_read_is_a_bad_record_with_its_cause() -> None:
    unreadable = Unreadable("outbound-messages", 0, 3, 9, "codec 4: no such frame", b"bytes")
    ((record, error),) = read_events(outbound_event_adapter, [unreadable])[1]
    assert (record, error.reason, error.detail) == (unreadable, "unreadable", "codec 4: no such frame")


def test_a_request_from_any_producer_may_have_fields_that_we_do_not_know() -> None:
    assert len(read_events(outbound_event_adapter, records(GOOD.replace(b"{", b'{"campaign": {"id": 3}, ', 1)))[0]) == 1


def test_an_event_outside_the_partition_of_its_phone_is_a_bad_record_in_batches_of_any_size() -> None:
    for count in (1, 20):
        phones = [f"+141555501{number:02}" for number in range(count)]
        found = records(*[GOOD.replace(b"+14155550100", phone.encode()) for phone in phones])
        for record, phone in zip(found, phones, strict=True):
            record.partition = partition_of(phone, 6)
        found[-1].partition = (found[-1].partition + 1) % 6
        requests, bad = read_events(outbound_event_adapter, found, 6)
        assert [request.phone for _, request in requests] == phones[:-1]
        assert [(record, error.reason) for record, error in bad] == [(found[-1], "wrong_partition")]


@pytest.mark.parametrize("counter", [sender_metrics.RECORDS_PARKED, optout_metrics.RECORDS_PARKED])
def test_each_reason_is_counted_from_zero_so_that_the_first_record_of_its_kind_is_an_alert(counter: Counter) -> None:
    values = (
        None,
        b"x" * (MAX_EVENT_BYTES + 1),
        b"not json",
        b'{"type": "?"}',
        GOOD.replace(b"{", b'{"version": 99, ', 1),
        b'{"type": "message_requested"}',
        GOOD,
    )
    found = records(*values)
    for record in found:
        record.partition = (partition_of("+14155550100", 6) + 1) % 6
    unreadable = Unreadable("outbound-messages", 0, 9, 9, "codec 4: no such frame", b"bytes")
    _, bad = read_events(outbound_event_adapter, [*found, unreadable], 6)
    reasons = {error.reason for _, error in bad}
    assert reasons == set(REASONS)
    assert {(reason,) for reason in reasons} <= set(counter._metrics)
