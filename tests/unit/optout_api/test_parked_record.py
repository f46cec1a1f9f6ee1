"""What an operator sees of a parked record that anybody may have written, and which records can be replayed."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from services.optout.api.operator_sessions import is_operator_session, operator_session
from services.optout.api.parked.parked_record import ParkedRecord
from shared.errors import PoisonError
from shared.parked_records import MAX_VALUE_BYTES, park
from shared.partitions import partition_of
from shared.producer import OutgoingRecord
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OUTBOUND_MESSAGES, SUPPRESSIONS

PHONE = "+14155550100"


class Stored(NamedTuple):
    """A record of the topic, as far as it matters here."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def stored(record: OutgoingRecord) -> ParkedRecord:
    found: Any = Stored(7, record.key, record.value, tuple(record.headers))
    return ParkedRecord.of(found)


def parked(topic: str = INBOUND_MESSAGES, value: bytes | None = b"\xff\x00<b>", **fields: Any) -> ParkedRecord:
    given = {
        "service": "stopline/optout", "topic": topic, "partition": 1, "offset": 5, "key": PHONE.encode(),
        "headers": [("ce_type", b"message_received")], "error": PoisonError("not_json", "it is not"),
        "now": datetime(2026, 11, 29, tzinfo=UTC), **fields,
    }  # fmt: skip
    return stored(park(value=value, **given))


@pytest.mark.parametrize("topic", [INBOUND_MESSAGES, OUTBOUND_MESSAGES])
def test_a_whole_record_is_replayed_byte_for_byte_to_the_partition_of_its_phone(topic: str) -> None:
    record = parked(topic)
    assert record.why_not_replayed() is None
    assert record.replayed(6) == (
        topic,
        partition_of(PHONE, 6),
        OutgoingRecord(PHONE.encode(), b"\xff\x00<b>", [("ce_type", b"message_received")]),
    )


def test_a_record_without_a_key_goes_where_it_came_from_and_one_without_a_value_has_none() -> None:
    assert parked(key=None).replayed(6)[1] == 1
    assert parked(key=None).replayed(1)[1] == 0
    assert parked(value=None).replayed(6)[2].value is None


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (parked(SUPPRESSIONS), "suppressions are not replayed"),
        (parked(DELIVERY_EVENTS), "delivery-events are not replayed"),
        (parked(value=b"x" * (MAX_VALUE_BYTES + 1)), "not whole"),
        (parked(last_offset=9), "not whole"),
        (stored(OutgoingRecord(None, b"{}", [("parked_reason", b"flood"), ("original_topic", b"x")])), "summary"),
        (stored(OutgoingRecord(None, b"a=1", [("webhook_gateway", b"twilio")])), "gateway send it again"),
        (stored(OutgoingRecord(None, b"", [])), "an unknown topic"),
    ],
)
def test_what_is_not_a_whole_record_of_those_topics_is_not_replayed(record: ParkedRecord, why: str) -> None:
    assert why in (record.why_not_replayed() or "")


def test_whatever_is_written_to_the_topic_can_be_shown() -> None:
    odd = stored(OutgoingRecord(b"\xff", None, [("parked_id", b"\xff\xfe"), ("original_header_\0", b"")]))
    assert (odd.parked_id, odd.original_headers) == ("\ufffd\ufffd", [("\0", b"")])
    assert stored(OutgoingRecord(None, b"", [])).parked_id == "offset-7"


def test_an_operators_session_ends_and_cannot_be_made_without_the_token() -> None:
    token = operator_session("the operator's token", 1_000)
    assert is_operator_session("the operator's token", token, 999.0)
    assert not is_operator_session("the operator's token", token, 1_000.0)
    assert not is_operator_session("another token", token, 999.0)
    for forged in ("", "operator.", "operator.9999.", token.replace("1000", "2000"), "operator.٣.x", f"{token} "):
        assert not is_operator_session("the operator's token", forged, 0.0)


def test_a_decision_about_a_record_is_not_one_about_another_with_its_id() -> None:
    """Ids follow from offsets, which start at zero again where a topic is recreated, and anybody may write any id."""
    dropped, later, copy = parked(value=b"bad"), parked(value=b"STOP"), parked(value=b"bad")
    assert dropped.parked_id == later.parked_id
    assert dropped.settled_id == copy.settled_id != later.settled_id
    hostile = stored(OutgoingRecord(b"k", b"v", [("parked_id", b"\0" + b"x" * 100_000)]))
    assert "\0" not in hostile.settled_id
    assert len(hostile.settled_id) < 200


def test_a_partition_of_any_number_of_digits_is_replayed_somewhere() -> None:
    record = stored(OutgoingRecord(None, b"v", [("original_partition", b"9" * 10_000), ("original_topic", b"t")]))
    assert record.replayed(6)[1] == 0
