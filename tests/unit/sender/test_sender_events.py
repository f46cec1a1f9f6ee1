"""Events follow from rows: published again, they are the same, and they are what the models of the contract say."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sender.ledger.model import LedgerState, Row, row_of, suppressed_detail, waiting_detail
from services.sender.park import report_of
from services.sender.report import SOURCE, announced, outcome_event
from shared.errors import PoisonError
from shared.events.codec import cloud_event_headers, decode, encode
from shared.events.delivery import (
    AnyDeliveryEvent,
    MessageDispatching,
    MessageFailed,
    MessageOutcomeUnknown,
    MessageSent,
    MessageSuppressed,
    MessageWaiting,
    delivery_event_adapter,
    delivery_event_id,
)
from shared.events.outbound import MessageRequested
from shared.producer import OutgoingRecord
from shared.scopes import forbidding_scopes

AT = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 11, 14, tzinfo=UTC)


texts = st.text(max_size=200)
times = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
requests = st.builds(
    MessageRequested,
    account_id=st.sampled_from(["acme", "a-1_b"]),
    message_id=st.from_regex(r"[\x21-\x7e]{1,128}", fullmatch=True),
    list_id=st.integers(1, 2**53 - 1),
    phone=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    sender_number=st.sampled_from(["+14155550199", "ACME", "A.B-C & D_", "12345"]),
    body=st.just("STOP ends"),
)


def same_as(asked: MessageRequested, at: datetime) -> dict[str, Any]:
    names = ("account_id", "message_id", "list_id", "phone", "sender_number")
    return {name: getattr(asked, name) for name in names} | {"occurred_at": at}


def agrees(record: OutgoingRecord, kind: type[AnyDeliveryEvent], expected: dict[str, Any]) -> None:
    """Assert that a record is what the model would have made of the same fields."""
    event = decode(delivery_event_adapter, record.value)
    assert isinstance(event, kind)
    assert {name: getattr(event, name) for name in expected} == expected
    assert event.event_id == delivery_event_id(event.account_id, event.message_id, event.type)
    assert record.value == encode(event)
    assert record.headers == cloud_event_headers(event, SOURCE)
    assert record.key == event.phone.encode()


@given(requests, texts, times, times)
def test_an_outcome_event_is_as_its_model_says(
    asked: MessageRequested, text: str, decided_at: datetime, at: datetime
) -> None:
    same = same_as(asked, at)
    for state, kind, more in (
        ("sent", MessageSent, {"carrier_message_id": text}),
        ("failed", MessageFailed, {"reason": text}),
        ("unknown", MessageOutcomeUnknown, {}),
    ):
        agrees(outcome_event(row_of(asked, state, text, decided_at, at)), kind, same | more)


@given(requests, st.sampled_from(["opted_out", "held"]), times, times)
def test_a_suppressed_event_is_as_its_model_says(
    asked: MessageRequested, state: str, decided_at: datetime, at: datetime
) -> None:
    for scope in forbidding_scopes(asked.list_id, asked.sender_number):
        row = row_of(asked, "suppressed", suppressed_detail(scope, state), decided_at, at)
        why = {"scope": scope, "state": state, "decision_started_at": decided_at}
        agrees(outcome_event(row), MessageSuppressed, same_as(asked, at) | why)


@given(requests, times, times, st.sampled_from(["send_at", "quiet_hours"]), times)
def test_a_waiting_event_is_as_its_model_says_and_each_wait_has_its_own(
    asked: MessageRequested, until: datetime, at: datetime, reason: str, decided_at: datetime
) -> None:
    row = row_of(asked, "waiting", waiting_detail(until, reason), decided_at, at)
    event = decode(delivery_event_adapter, outcome_event(row).value)
    assert isinstance(event, MessageWaiting)
    assert (event.until, event.reason, event.occurred_at) == (until, reason, at)
    assert outcome_event(row).value == encode(event)
    assert outcome_event(row).headers == cloud_event_headers(event, SOURCE)
    later = row._replace(detail=waiting_detail(until + timedelta(hours=1), reason))
    assert decode(delivery_event_adapter, outcome_event(later).value).event_id != event.event_id


@given(requests, times, times)
def test_a_call_is_announced_as_its_model_says(asked: MessageRequested, decided_at: datetime, at: datetime) -> None:
    why = {"decision_started_at": decided_at}
    agrees(announced(asked, decided_at, at), MessageDispatching, same_as(asked, at) | why)


@pytest.mark.parametrize("state", ["pending", "dispatching"])
def test_a_row_without_an_outcome_has_no_event(state: LedgerState) -> None:
    with pytest.raises(AssertionError, match="no outcome yet"):
        outcome_event(Row("acme", "m-1", 7, "+14155550100", "ACME", state, None, AT, LATER))


def bad(value: bytes) -> SimpleNamespace:
    return SimpleNamespace(topic="outbound-messages", partition=1, offset=2, value=value)


def test_a_bad_record_is_reported_under_its_own_id_with_what_could_be_read() -> None:
    value = b'{"account_id": "acme", "message_id": "m-1", "phone": "+14155550100", "list_id": "x"}'
    event = report_of(bad(value), PoisonError("invalid", "list_id: no number"), AT)
    assert event is not None
    assert (event.account_id, event.message_id, event.phone) == ("acme", "m-1", "+14155550100")
    assert (event.reason, event.detail) == ("invalid", "list_id: no number")


def test_fields_of_a_bad_record_that_are_none_of_ours_are_left_out() -> None:
    value = b'{"account_id": "ACME!", "message_id": "m-1", "phone": "0800"}'
    event = report_of(bad(value), PoisonError("invalid", "x"), AT)
    assert event is not None
    assert (event.account_id, event.message_id, event.phone) == (None, "m-1", None)


@pytest.mark.parametrize("value", [b"", b"not json", b"[]", b'{"message_id": 5}', b'{"message_id": "with space"}'])
def test_a_bad_record_without_an_id_is_only_parked(value: bytes) -> None:
    assert report_of(bad(value), PoisonError("invalid", "x"), AT) is None


def test_a_bad_record_that_comes_again_is_the_same_event() -> None:
    error = PoisonError("invalid", "x")
    first, again = (report_of(bad(b'{"message_id": "m-1"}'), error, at) for at in (AT, LATER))
    assert first is not None
    assert again is not None
    assert first.event_id == again.event_id
