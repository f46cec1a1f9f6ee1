"""Events follow from rows: told again, they are the same."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from services.sender.ledger.rows import Row, State, suppressed_detail
from services.sender.park import rejected
from services.sender.report import outcome
from shared.errors import PoisonError
from shared.events.codec import encode
from shared.events.delivery import (
    AnyDeliveryEvent,
    MessageFailed,
    MessageOutcomeUnknown,
    MessageSent,
    MessageSuppressed,
)

AT = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 11, 14, tzinfo=UTC)


def row(state: State, detail: str | None) -> Row:
    return Row("acme", "m-1", 7, "+14155550100", "ACME", state, detail, AT, LATER)


@pytest.mark.parametrize(
    ("state", "detail", "kind", "fields"),
    [
        ("sent", "c-1", MessageSent, {"carrier_message_id": "c-1"}),
        ("failed", "422 no", MessageFailed, {"reason": "422 no"}),
        ("unknown", "timeout", MessageOutcomeUnknown, {}),
        (
            "suppressed",
            suppressed_detail("list:7", "opted_out"),
            MessageSuppressed,
            {"scope": "list:7", "state": "opted_out", "decision_started_at": AT},
        ),
        (
            "suppressed",
            suppressed_detail("sender:AC ME", "held"),
            MessageSuppressed,
            {"scope": "sender:AC ME", "state": "held"},
        ),
    ],
)
def test_a_row_with_a_fate_has_one_event(
    state: State, detail: str, kind: type[AnyDeliveryEvent], fields: dict[str, object]
) -> None:
    event = outcome(row(state, detail))
    assert isinstance(event, kind)
    assert event.occurred_at == LATER
    assert {name: getattr(event, name) for name in fields} == fields
    assert encode(event) == encode(outcome(row(state, detail)))


@pytest.mark.parametrize("state", ["pending", "dispatching"])
def test_a_row_without_a_fate_has_none(state: State) -> None:
    with pytest.raises(AssertionError, match="no fate yet"):
        outcome(row(state, None))


def bad(value: bytes) -> SimpleNamespace:
    return SimpleNamespace(topic="outbound-messages", partition=1, offset=2, value=value)


def test_a_bad_record_is_reported_under_its_own_id_with_what_could_be_read() -> None:
    value = b'{"account_id": "acme", "message_id": "m-1", "phone": "+14155550100", "list_id": "x"}'
    event = rejected(bad(value), PoisonError("invalid", "list_id: no number"), AT)
    assert event is not None
    assert (event.account_id, event.message_id, event.phone) == ("acme", "m-1", "+14155550100")
    assert (event.reason, event.detail) == ("invalid", "list_id: no number")


def test_fields_of_a_bad_record_that_are_none_of_ours_are_left_out() -> None:
    value = b'{"account_id": "ACME!", "message_id": "m-1", "phone": "0800"}'
    event = rejected(bad(value), PoisonError("invalid", "x"), AT)
    assert event is not None
    assert (event.account_id, event.message_id, event.phone) == (None, "m-1", None)


@pytest.mark.parametrize("value", [b"", b"not json", b"[]", b'{"message_id": 5}', b'{"message_id": "with space"}'])
def test_a_bad_record_without_an_id_is_only_parked(value: bytes) -> None:
    assert rejected(bad(value), PoisonError("invalid", "x"), AT) is None


def test_a_bad_record_that_comes_again_is_the_same_event() -> None:
    error = PoisonError("invalid", "x")
    first, again = (rejected(bad(b'{"message_id": "m-1"}'), error, at) for at in (AT, LATER))
    assert first is not None
    assert again is not None
    assert first.event_id == again.event_id
