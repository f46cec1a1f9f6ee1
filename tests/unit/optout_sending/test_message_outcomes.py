"""What events say of messages: folded in any order to the same, later statuses before earlier ones."""

from datetime import UTC, datetime
from itertools import permutations
from uuid import UUID

from services.optout.sending.outcomes import Change, changes_of
from shared.events.delivery import DeliveryReceiptReceived, MessageDispatching, MessageSent, MessageSuppressed

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
ABOUT = {
    "event_id": UUID(int=1), "occurred_at": AT, "account_id": "acme", "message_id": "m-1", "list_id": 7,
    "phone": "+14155550100", "sender_number": "+18335550123",
}  # fmt: skip
ANNOUNCED = MessageDispatching.model_validate({**ABOUT, "decision_started_at": AT})
SENT = MessageSent.model_validate({**ABOUT, "carrier_message_id": "c-1"})
DELIVERED = DeliveryReceiptReceived(
    event_id=UUID(int=2),
    occurred_at=AT,
    account_id="acme",
    gateway="clicksend",
    carrier_message_id="c-1",
    message_id="m-1",
    status="delivered",
    gateway_status="DELIVRD",
)


def test_the_order_of_events_makes_no_difference() -> None:
    for events in permutations([ANNOUNCED, SENT, DELIVERED]):
        assert changes_of(events) == [Change("acme", "m-1", "delivered", None, "c-1", AT)]


def test_a_drop_says_what_forbade_the_message() -> None:
    dropped = MessageSuppressed.model_validate(
        {**ABOUT, "scope": "list:7", "state": "opted_out", "decision_started_at": AT}
    )
    assert changes_of([dropped, ANNOUNCED]) == [Change("acme", "m-1", "suppressed", "opted_out: list:7", None, AT)]


def test_a_pending_receipt_changes_nothing() -> None:
    assert changes_of([DELIVERED.model_copy(update={"status": "pending"})]) == []
