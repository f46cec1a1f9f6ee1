"""Who wrote: a number that says its country is one number; one that does not is every number that it may be."""

from datetime import UTC, datetime

import pytest

from services.inbound.gateways import MESSAGES
from services.inbound.gateways.values import Writer, writer
from services.inbound.responses import WebhookError
from shared.events.inbound import MessageReceived, each_reading

US, GB, SHORT_CODE = "+18335550123", "+447700900999", "12345"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def read(text: str, to: str | None = None, *, always_international: bool = False) -> Writer:
    return writer(text, to, always_international=always_international)


@pytest.mark.parametrize("text", ["+5215512345678", "00525512345678", "+52 (55) 1234 5678"])
def test_a_number_that_says_its_country_has_one_reading(text: str) -> None:
    assert read(text, US) == Writer("+525512345678", (), None)


def test_digits_to_a_number_of_ours_are_read_in_its_country_too() -> None:
    assert read("3125550100", US) == Writer("+3125550100", ("+3125550100", "+13125550100"), "3125550100")
    assert read("4155550100", US) == Writer("+14155550100", (), "4155550100")
    assert read("07700900123", GB) == Writer("+447700900123", (), "07700900123")
    assert read("7911123456", GB) == Writer("+447911123456", (), "7911123456")


def test_digits_that_are_a_number_abroad_only_have_one_reading_and_may_be_of_the_accounts_country() -> None:
    assert read("61411111111", US) == Writer("+61411111111", (), "61411111111")
    assert read("3125550100", SHORT_CODE) == read("3125550100") == Writer("+3125550100", (), "3125550100")


def test_a_gateway_that_always_writes_the_country_is_believed() -> None:
    assert read("3125550100", US, always_international=True) == Writer("+3125550100", (), None)


def test_digits_that_no_numbering_plan_has_get_nobodys_number() -> None:
    assert read("4155550100") == Writer("+9994155550100", (), "4155550100")
    assert read("07700900123") == Writer("+99907700900123", (), "07700900123")


@pytest.mark.parametrize("text", ["+9991234567", "+1415555010012", "+881612345678", "+229019712345678"])
def test_a_stop_is_not_lost_over_a_plan_that_is_newer_than_ours(text: str) -> None:
    assert read(text, US).phone == text


def test_an_argentine_number_is_meant_with_and_without_its_9() -> None:
    assert read("+5491123456789") == Writer("+5491123456789", ("+5491123456789", "+541123456789"), None)
    assert read("+541123456789").readings == ("+541123456789", "+5491123456789")


@pytest.mark.parametrize("text", ["", "abc", "AMAZON", "12345", "+1415555", "+1" * 40, "4" * 16, "+0123456789"])
def test_a_sender_that_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(WebhookError) as refused:
        read(text, US)
    assert (refused.value.reason, refused.value.field) == ("invalid_number", "from")


@pytest.mark.parametrize("gateway", ["clicksend", "generic"])
def test_there_is_an_event_for_each_reading_always_the_same(gateway: str) -> None:
    fields = {"from": "3125550100", "to": US, "body": "STOP", "message_id": "m1", "timestamp": "1795600000"}
    reported = MESSAGES[gateway].model_validate(fields)
    one, other = each_reading(reported.event("acme", NOW))
    assert isinstance(one, MessageReceived)
    assert isinstance(other, MessageReceived)
    assert (one.phone, other.phone) == one.readings == other.readings == ("+3125550100", "+13125550100")
    assert one.event_id != other.event_id
    assert each_reading(reported.event("acme", NOW))[1].event_id == other.event_id


def test_old_events_have_one_reading() -> None:
    old = '{"type":"message_received","version":1,"event_id":"57182351-7b4a-522c-8678-da4cc9957788",'
    old += '"occurred_at":"2026-11-24T11:13:02.250000Z","account_id":"acme","gateway":"x","phone":"+14155550100",'
    event = MessageReceived.model_validate_json(old + '"body":"STOP"}')
    assert each_reading(event) == [event]
