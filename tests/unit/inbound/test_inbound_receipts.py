"""Delivery receipts, from each gateway's words to ours."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.inbound.gateways import MESSAGES, RECEIPTS
from services.inbound.gateways.reported import Reported, read_webhook
from services.inbound.responses import WebhookError
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import CarrierBlocked

NOW = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
CLICKSEND = {
    "message_id": "4A1C9E52-3F7B-4E2A-9B57-0A4E6D1C2B33",
    "status_code": 201,
    "status_text": "Success: Message received on handset.",
    "error_code": None,
    "error_text": None,
    "custom_string": "order-4711",
    "timestamp_send": 1722565411,
    "timestamp": 1722565411,
    "subaccount_id": 563840,
    "user_id": 1,
    "message_type": "sms",
}


def received(fields: dict[str, Any], gateway: str = "clicksend") -> DeliveryReceiptReceived:
    [event] = read_webhook(RECEIPTS[gateway], "acme", "application/json", json.dumps(fields).encode(), NOW)
    if isinstance(event, WebhookError):
        raise event
    assert isinstance(event, DeliveryReceiptReceived)
    return event


def test_clicksends_receipt_becomes_the_event() -> None:
    event = received(CLICKSEND)
    assert (event.carrier_message_id, event.message_id) == (CLICKSEND["message_id"], "order-4711")
    assert (event.status, event.phone) == ("delivered", None)
    assert event.gateway_status == "201 Success: Message received on handset."


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (200, "pending"),
        ("201", "delivered"),
        ("300", "pending"),
        (301, "failed"),
        ("302", "failed"),
        ("999", "pending"),
    ],
)
def test_clicksends_codes(code: str | int, status: str) -> None:
    assert received({**CLICKSEND, "status_code": code}).status == status


@pytest.mark.parametrize("status", ["delivered", "failed", "pending"])
def test_the_generic_receipt(status: str) -> None:
    event = received({"carrier_message_id": "c-1", "status": status, "to": "14155550100"}, "generic")
    assert (event.status, event.gateway_status, event.phone) == (status, status, "+14155550100")


def test_a_receipt_sent_again_is_the_same_event_and_another_status_is_another() -> None:
    assert received(CLICKSEND).event_id == received({**CLICKSEND, "timestamp": 1}).event_id
    assert received(CLICKSEND).event_id != received({**CLICKSEND, "status_code": 301}).event_id


@pytest.mark.parametrize(
    ("gateway", "fields", "reason", "field"),
    [
        ("clicksend", {"status_code": "201"}, "missing_field", "message_id"),
        ("clicksend", {"message_id": "c-1"}, "missing_field", "status_code"),
        ("clicksend", {"message_id": "", "status_code": "201"}, "invalid", "message_id"),
        ("generic", {"carrier_message_id": "c-1"}, "missing_field", "status"),
        ("generic", {"carrier_message_id": "c-1", "status": "gone"}, "invalid", "status"),
    ],
)
def test_a_receipt_that_says_nothing_is_refused(gateway: str, fields: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(WebhookError) as caught:
        received(fields, gateway)
    assert (caught.value.reason, caught.value.field) == (reason, field)


@pytest.mark.parametrize("reported", [MESSAGES["generic"], RECEIPTS["generic"]])
def test_a_gateway_that_says_nothing_of_the_carriers_own_record_reports_no_block(reported: Reported) -> None:
    fields = {"from": "+14155550100", "body": "STOP", "carrier_message_id": "c-1", "status": "failed"}
    assert reported.model_validate(fields).carrier_block() is None


def blocks(fields: dict[str, Any], gateway: str = "clicksend") -> list[CarrierBlocked]:
    pools = {"acme": {"pool-1": ["+18335550123", "+18335550124"]}}
    body = json.dumps(fields).encode()
    events = read_webhook(RECEIPTS[gateway], "acme", "application/json", body, NOW, pools)
    return [event for event in events if isinstance(event, CarrierBlocked)]


def test_a_receipt_that_says_whose_and_of_which_number_publishes_the_block_once_for_the_whole_pool() -> None:
    fields = {
        "carrier_message_id": "c-1", "message_id": "order-1", "status": "failed", "to": "+1 415 555 0100",
        "from": "+18335550124", "block_code": "21610",
    }  # fmt: skip
    [block] = blocks(fields, "generic")
    assert (block.phone, block.code, block.message_id) == ("+14155550100", "21610", "order-1")
    assert block.sender_numbers == ("+18335550124", "+18335550123")
    assert blocks(fields, "generic") == [block], "a repetition is the same event"
    assert blocks({**fields, "block_code": ""}, "generic") == []


def test_clicksends_receipt_names_no_phone_so_the_sender_publishes_its_block() -> None:
    fields = {**CLICKSEND, "status_code": 301, "error_code": 21610}
    assert received(fields).block_code == "21610"
    assert blocks(fields) == []
    assert received({**CLICKSEND, "status_code": 301, "error_code": 301}).block_code is None
