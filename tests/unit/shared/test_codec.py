"""What is read from Kafka is an event, or poison with a reason; nothing else can come out."""

import json
from datetime import datetime, timedelta, timezone
from typing import Annotated
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, TypeAdapter

from shared.errors import PoisonError
from shared.events.codec import MAX_EVENT_BYTES, cloud_event_headers, decode, encode, salvage
from shared.events.inbound import FenceMarkerAppended, MessageReceived, inbound_event_adapter
from shared.events.outbound import MessageRequested, outbound_event_adapter

MARKER = {"type": "fence_marker_appended", "version": 1, "marker_id": str(UUID(int=1))}
REQUEST = {
    "type": "message_requested",
    "version": 1,
    "account_id": "demo",
    "message_id": "m-1",
    "list_id": 1,
    "phone": "+14155550100",
    "sender_number": "+18335550123",
    "body": "Hello. Reply STOP to opt out",
}


def received(body: str = "STOP") -> MessageReceived:
    return MessageReceived(
        event_id=uuid4(),
        occurred_at=datetime(2026, 11, 24, 12, tzinfo=timezone(timedelta(hours=2))),
        account_id="demo",
        gateway="clicksend",
        phone="+14155550100",
        body=body,
    )


def test_an_event_comes_back_as_it_was_written() -> None:
    event = received("naïve 🛑 \x00")
    assert decode(inbound_event_adapter, encode(event)) == event


def test_times_are_written_in_utc_with_microseconds() -> None:
    assert json.loads(encode(received()))["occurred_at"] == "2026-11-24T10:00:00.000000Z"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "tombstone"),
        (b"", "tombstone"),
        (b"STOP", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b" " * (MAX_EVENT_BYTES + 1), "too_large"),
        (b"[]", "invalid"),
        (b"{}", "unknown_type"),
        (json.dumps({**MARKER, "type": "gossip_heard"}).encode(), "unknown_type"),
        (json.dumps({**MARKER, "version": 2}).encode(), "unknown_version"),
        (json.dumps({**MARKER, "version": "1"}).encode(), "unknown_version"),
        (json.dumps({**MARKER, "marker_id": 7}).encode(), "invalid"),
    ],
)
def test_a_bad_record_is_poison_with_a_reason(value: bytes | None, reason: str) -> None:
    with pytest.raises(PoisonError) as poison:
        decode(inbound_event_adapter, value)
    assert poison.value.reason == reason
    assert 0 < len(poison.value.detail) <= 480


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("list_id", "1"),
        ("list_id", 0),
        ("list_id", True),
        ("phone", "14155550100"),
        ("phone", "(415) 555-0100"),
        ("account_id", "De mo"),
        ("account_id", "a|b"),
        ("message_id", ""),
        ("message_id", "with space"),
        ("body", ""),
        ("body", "x" * 20_001),
        ("sender_number", "☎"),
        ("type", "message_received"),
    ],
)
def test_an_outbound_request_with_a_wrong_field_is_refused_by_its_name(field: str, value: object) -> None:
    with pytest.raises(PoisonError) as poison:
        decode(outbound_event_adapter, json.dumps({**REQUEST, field: value}).encode())
    assert field in poison.value.detail


def test_fields_from_a_later_version_are_tolerated() -> None:
    event = decode(outbound_event_adapter, json.dumps({**REQUEST, "priority": "high"}).encode())
    assert event == MessageRequested.model_validate(REQUEST)


@given(st.binary(max_size=300))
def test_any_bytes_give_an_event_or_poison(value: bytes) -> None:
    with pytest.raises(PoisonError):
        decode(inbound_event_adapter, value)


def test_headers_follow_cloudevents_kafka_binding() -> None:
    event = received()
    headers = dict(cloud_event_headers(event, "stopline/inbound"))
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": str(event.event_id).encode(),
        "ce_type": b"stopline.inbound.message_received.v1",
        "ce_source": b"stopline/inbound",
        "ce_time": b"2026-11-24T10:00:00.000000Z",
        "content-type": b"application/json",
    }
    marker = dict(cloud_event_headers(FenceMarkerAppended(marker_id=UUID(int=1)), "stopline/sender"))
    assert marker["ce_id"] == str(UUID(int=1)).encode()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'{"message_id": "m", "account_id": 3}', {"message_id": "m"}),
        (b"not json", {}),
        (b"[1]", {}),
        (None, {}),
        (b"[" * 100_000, {}),
    ],
)
def test_what_can_be_read_of_a_bad_record_is_salvaged(value: bytes | None, found: dict[str, str]) -> None:
    assert salvage(value, "message_id", "account_id") == found


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"])
@pytest.mark.parametrize("field", ["occurred_at", "sent_at"])
def test_a_time_that_is_none_in_utc_is_a_bad_record(field: str, moment: str) -> None:
    event = json.loads(encode(received())) | {field: moment}
    with pytest.raises(PoisonError, match=f"invalid.*{field}"):
        decode(inbound_event_adapter, json.dumps(event).encode())


@pytest.mark.parametrize("error", [OverflowError("x"), RecursionError("x"), MemoryError("x"), AssertionError("x")])
def test_whatever_a_validator_raises_is_a_bad_record(error: Exception) -> None:
    def fail(_: object) -> None:
        raise error

    with pytest.raises(PoisonError, match="invalid"):
        decode(TypeAdapter(Annotated[object, AfterValidator(fail)]), b"{}")


def test_nul_in_a_text_that_postgres_keeps_is_replaced() -> None:
    event = json.loads(encode(received())) | {"gateway_message_id": "a\x00b", "gateway": "\x00"}
    found = decode(inbound_event_adapter, json.dumps(event).encode())
    assert (found.gateway_message_id, found.gateway) == ("a\ufffdb", "\ufffd")
