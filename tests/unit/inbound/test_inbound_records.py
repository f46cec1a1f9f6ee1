"""Where a record goes, and what a parked one says."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.inbound.records import event_record, parked_id, parked_record, records_of
from services.inbound.responses import WebhookError
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import MessageReceived
from shared.partitions import partition_of
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, PARKED_MESSAGES

NOW = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
PHONE = "+61411111111"


def message() -> MessageReceived:
    return MessageReceived(
        event_id=uuid4(), occurred_at=NOW, account_id="acme", gateway="clicksend", phone=PHONE, body="STOP"
    )


def receipt(phone: str | None) -> DeliveryReceiptReceived:
    return DeliveryReceiptReceived(
        event_id=uuid4(),
        occurred_at=NOW,
        account_id="acme",
        gateway="clicksend",
        carrier_message_id="c-1",
        phone=phone,
        status="delivered",
        gateway_status="201",
    )


@pytest.mark.parametrize("partitions", [1, 6, 12])
def test_a_message_is_placed_by_its_phone(partitions: int) -> None:
    placed = event_record(message(), partitions)
    assert (placed.topic, placed.record.key) == (INBOUND_MESSAGES, PHONE.encode())
    assert placed.partition == partition_of(PHONE, partitions)


def test_a_reply_has_a_record_for_each_number_that_may_have_written_it() -> None:
    both = (PHONE, "+31255501000")
    placed = records_of(message().model_copy(update={"readings": both}), 6)
    assert [(each.record.key, each.partition) for each in placed] == [
        (phone.encode(), partition_of(phone, 6)) for phone in both
    ]
    assert len(records_of(receipt(PHONE), 6)) == 1


def test_a_receipt_is_placed_by_its_phone_else_by_the_carriers_id() -> None:
    known, unknown = event_record(receipt(PHONE), 6), event_record(receipt(None), 6)
    assert (known.topic, known.record.key, known.partition) == (DELIVERY_EVENTS, PHONE.encode(), partition_of(PHONE, 6))
    assert (unknown.record.key, unknown.partition) == (b"c-1", partition_of("c-1", 6))


def test_a_parked_webhook_keeps_its_bytes_and_says_why_and_whence() -> None:
    error = WebhookError("invalid_number", "'abc' is none", field="from")
    body = b"from=abc&body=\xff"
    placed = parked_record(
        account_id="acme",
        gateway="clicksend",
        kind="message",
        content_type="text/plain",
        body=body,
        error=error,
        now=NOW,
    )
    headers = {name: value.decode() for name, value in placed.record.headers}
    assert (placed.topic, placed.record.key, placed.record.value) == (PARKED_MESSAGES, None, body)
    assert headers == {
        "parked_id": str(parked_id("acme", "clicksend", "message", body)),
        "parked_reason": "invalid_number",
        "parked_detail": "from: 'abc' is none",
        "parked_by": "stopline/inbound",
        "parked_at": "2026-11-24T11:13:00.000000Z",
        "webhook_account_id": "acme",
        "webhook_gateway": "clicksend",
        "webhook_kind": "message",
        "webhook_content_type": "text/plain",
    }


def test_a_repeated_bad_webhook_has_the_same_parked_id_and_another_has_another() -> None:
    assert parked_id("acme", "clicksend", "message", b"x") == parked_id("acme", "clicksend", "message", b"x")
    others = [
        parked_id("acme", "clicksend", "message", b"y"),
        parked_id("other", "clicksend", "message", b"x"),
        parked_id("acme", "generic", "message", b"x"),
        parked_id("acme", "clicksend", "receipt", b"x"),
    ]
    assert len({parked_id("acme", "clicksend", "message", b"x"), *others}) == 5
