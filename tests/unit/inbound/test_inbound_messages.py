"""From a gateway's webhook to our event: what is kept, what counts as missing, and what is refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inbound.gateways import MESSAGES
from services.inbound.gateways.reported import read_webhook
from services.inbound.responses import WebhookError
from shared.events.base import MAX_BODY_CHARACTERS
from shared.events.codec import decode, encode
from shared.events.inbound import MessageReceived, inbound_event_adapter

FORM = "application/x-www-form-urlencoded"
NOW = datetime(2026, 11, 24, 11, 13, 2, 250_000, tzinfo=UTC)
CLICKSEND = {
    "from": "+61411111111",
    "to": "+61422222222",
    "body": "Stop",
    "message": "Stop",
    "sms": "+61411111111",
    "message_id": "9D0C7E21-6B1E-4C55-8B0C-5E0B2B7B7A10",
    "original_message_id": "4A1C9E52-3F7B-4E2A-9B57-0A4E6D1C2B33",
    "originalmessageid": "4A1C9E52-3F7B-4E2A-9B57-0A4E6D1C2B33",
    "original_body": "Sale today. Reply STOP to opt out",
    "originalmessage": "Sale today. Reply STOP to opt out",
    "originalsenderid": "+61422222222",
    "custom_string": "order-4711",
    "customstring": "order-4711",
    "timestamp": str(int(NOW.timestamp()) - 3),
    "user_id": "1234",
    "subaccount_id": "5678",
}


def received(fields: dict[str, Any], gateway: str = "clicksend", account_id: str = "acme") -> MessageReceived:
    return read(json.dumps(fields).encode(), gateway=gateway, account_id=account_id)


def read(
    body: bytes, content_type: str = "application/json", *, gateway: str = "clicksend", account_id: str = "acme",
    now: datetime = NOW,
) -> MessageReceived:  # fmt: skip
    [event] = read_webhook(MESSAGES[gateway], account_id, content_type, body, now)
    if isinstance(event, WebhookError):
        raise event
    assert isinstance(event, MessageReceived)
    return event


def refused(fields: dict[str, Any]) -> tuple[int, str, str | None]:
    with pytest.raises(WebhookError) as caught:
        received(fields)
    return caught.value.status_code, caught.value.reason, caught.value.field


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in CLICKSEND.items() if name not in names}


def test_clicksends_fields_become_the_event() -> None:
    event = received(CLICKSEND)
    assert event.model_dump(exclude={"event_id", "type", "version"}) == {
        "occurred_at": NOW,
        "account_id": "acme",
        "gateway": "clicksend",
        "gateway_message_id": CLICKSEND["message_id"],
        "phone": "+61411111111",
        "readings": (),
        "written_phone": None,
        "listed_sent_at": None,
        "sender_number": "+61422222222",
        "body": "Stop",
        "replied_message_id": "order-4711",
        "replied_carrier_message_id": CLICKSEND["original_message_id"],
        "replied_body": CLICKSEND["original_body"],
        "sent_at": NOW.replace(microsecond=0) - timedelta(seconds=3),
        "unusable_sent_at": None,
        "part": None,
        "taken_by_carrier": False,
        "carrier": None,
        "is_start_at_carrier": False,
    }


def test_a_relay_may_name_the_carrier_and_no_other_gateway_may() -> None:
    fields = {**CLICKSEND, "carrier": "twilio"}
    assert (received(fields, "generic").carrier, received(fields).carrier) == ("twilio", None)


def test_form_and_json_are_the_same_event() -> None:
    assert read(urlencode(CLICKSEND).encode(), FORM) == received(CLICKSEND)


def test_clicksends_older_names_do_where_the_newer_are_missing() -> None:
    older = without("from", "body", "original_message_id", "original_body", "custom_string", "to")
    assert received(older) == received(CLICKSEND)


def test_the_generic_webhook_says_the_same() -> None:
    event = received(
        {
            "from": "+61411111111",
            "to": "+61422222222",
            "body": "Stop",
            "message_id": "m-1",
            "sent_at": "2026-11-24T22:12:59+11:00",
            "replied_message_id": "order-4711",
            "replied_carrier_message_id": "c-1",
            "replied_body": "Sale today",
        },
        "generic",
    )
    assert (event.gateway, event.gateway_message_id, event.phone) == ("generic", "m-1", "+61411111111")
    assert (event.replied_message_id, event.replied_carrier_message_id) == ("order-4711", "c-1")
    assert event.sent_at == datetime(2026, 11, 24, 11, 12, 59, tzinfo=UTC)


def test_a_webhook_sent_again_later_is_the_same_event() -> None:
    again = read(urlencode(CLICKSEND).encode(), FORM, now=NOW + timedelta(hours=1))
    assert again.event_id == received(CLICKSEND).event_id


@pytest.mark.parametrize(
    "changed",
    [{"message_id": "another"}, {"from": "+61411111112"}, {"body": "Start"}, {"timestamp": "1795518778"},
     {"timestamp": "now"}, {"timestamp": None}, {"to": "+61422222223"}],
)  # fmt: skip
def test_another_message_is_another_event(changed: dict[str, str]) -> None:
    assert received({**CLICKSEND, **changed}).event_id != received(CLICKSEND).event_id


def test_the_same_message_of_another_account_or_gateway_is_another_event() -> None:
    ids = {
        received(CLICKSEND, gateway, account).event_id
        for gateway in ("clicksend", "generic")
        for account in ("acme", "other")
    }
    assert len(ids) == 4


@pytest.mark.parametrize("message_id", [None, "", "damaged \x00 id"])
def test_without_an_id_of_the_gateways_every_webhook_is_an_event_of_its_own(message_id: str | None) -> None:
    fields = {**CLICKSEND, "message_id": message_id}
    assert received(fields).event_id != received(fields).event_id
    assert received(fields).gateway_message_id is None


@pytest.mark.parametrize("message_id", ["0", 0, "1", "constant"])
@pytest.mark.parametrize("gateway", ["clicksend", "generic"])
def test_an_id_that_is_not_unique_takes_no_message_for_another(message_id: str | int, gateway: str) -> None:
    time = {"clicksend": "timestamp", "generic": "sent_at"}[gateway]
    said = [("STOP", 1_795_518_700), ("START", 1_795_518_710), ("STOP", 1_795_518_720), ("STOP", 1_795_518_720_500)]
    events = [
        received({"from": "+61411111111", "body": body, "message_id": message_id, time: at}, gateway)
        for body, at in said
    ]
    assert len({event.event_id for event in events}) == len(said)
    assert {event.gateway_message_id for event in events} == {str(message_id)}


@pytest.mark.parametrize("written", [1_795_518_779_000, "2026-11-24T22:12:59+11:00", "Tue, 24 Nov 2026 11:12:59 GMT"])
def test_a_repetition_is_one_in_whatever_form_its_time_is_written(written: str | int) -> None:
    fields = {**CLICKSEND, "timestamp": "1795518779"}
    assert received({**fields, "timestamp": written}).event_id == received(fields).event_id


def test_an_id_cannot_be_written_so_that_it_reads_as_another_message() -> None:
    fields = {"from": "+61411111111", "body": "STOP", "sent_at": "1795518779"}
    one = received({**fields, "message_id": "7|2026-11-24T11:12:59.000000Z"}, "generic")
    assert one.event_id != received({**fields, "message_id": "7"}, "generic").event_id


@pytest.mark.parametrize("to", [None, "", "unknown", "damaged\x00", "+", "12", "this is no sender number"])
def test_an_answered_number_that_is_none_counts_as_missing(to: str | None) -> None:
    expected = "UNKNOWN" if to == "unknown" else None  # a sender ID of letters is one
    assert received({**without("originalsenderid"), "to": to}).sender_number == expected


@pytest.mark.parametrize("custom_string", [None, "", "two words", "é", "x" * 129, "damaged\x00"])
def test_a_custom_string_that_is_none_of_our_ids_counts_as_missing(custom_string: str | None) -> None:
    assert received({**without("customstring"), "custom_string": custom_string}).replied_message_id is None


@pytest.mark.parametrize(
    "timestamp", [None, "", "now", "-5", "0", "1", "9" * 12, "9" * 400, "1e9", "NaN", "2026-11-24"]
)
def test_a_time_that_cannot_be_counts_as_missing(timestamp: str | None) -> None:
    event = received({**CLICKSEND, "timestamp": timestamp})
    assert event.sent_at is None
    assert event.unusable_sent_at == (timestamp[:64] if timestamp else None)


@pytest.mark.parametrize(
    ("seconds_ago", "known"), [(-3600, False), (-60, True), (0, True), (30 * 86400, True), (400 * 86400, False)]
)
def test_a_time_is_taken_within_a_year_back_and_a_little_ahead(seconds_ago: int, *, known: bool) -> None:
    found = received({**CLICKSEND, "timestamp": int(NOW.timestamp()) - seconds_ago}).sent_at
    assert (found is not None) == known


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"from": None, "sms": None}, (422, "missing_field", "from")),
        ({"from": ""}, (422, "invalid_number", "from")),
        ({"from": "abc"}, (422, "invalid_number", "from")),
        ({"from": "AMAZON"}, (422, "invalid_number", "from")),
        ({"from": "12345"}, (422, "invalid_number", "from")),
        ({"from": "+1415555"}, (422, "invalid_number", "from")),
        ({"from": "+1" * 40}, (422, "invalid_number", "from")),
        ({"from": "+6141111\x001111"}, (422, "invalid_utf8", "from")),
        ({"body": "x" * (MAX_BODY_CHARACTERS + 1)}, (422, "too_long", "body")),
    ],
)
def test_what_nobody_can_act_on_is_refused_and_says_which_field(
    changed: dict[str, Any], expected: tuple[int, str, str | None]
) -> None:
    assert refused({**CLICKSEND, **changed}) == expected


def test_a_refusal_shows_no_more_of_a_number_than_a_log_may_show() -> None:
    with pytest.raises(WebhookError) as caught:
        received({**CLICKSEND, "from": "+6141111111199999"})
    assert "6141111111199999" not in caught.value.detail


@pytest.mark.parametrize(
    "sender", ["61411111111", "0061411111111", " 61411111111", "+61 411 111 111", "+61-411-111-111"]
)
def test_a_number_is_known_however_the_gateway_writes_it(sender: str) -> None:
    assert received({**CLICKSEND, "from": sender}).phone == "+61411111111"


def test_an_empty_text_is_a_message() -> None:
    assert received({**CLICKSEND, "body": ""}).body == ""


@pytest.mark.parametrize("gateway", ["clicksend", "generic"])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({}, ""),
        ({"body": None}, ""),
        ({"body": ""}, ""),
        ({"body": " \n"}, " \n"),
        ({"body": 42}, "42"),
        ({"body": False}, ""),
        ({"body": {"text": "STOP"}}, ""),
        ({"body": None, "media_urls": ["https://example.com/cat.jpg"], "num_media": 1}, ""),
        ({"_media_file_url": "https://example.com/cat.jpg"}, ""),
    ],
)
def test_a_message_without_a_text_is_an_empty_one(content: dict[str, Any], text: str, gateway: str) -> None:
    assert received({"from": "+61411111111", **content}, gateway).body == text


def test_a_text_under_its_older_name_counts_where_the_newer_is_null() -> None:
    assert received({"from": "+61411111111", "body": None, "message": "STOP"}).body == "STOP"


@pytest.mark.parametrize("fields", [{}, {"ping": "1"}, {"body": "STOP"}, {"to": "+61422222222", "body": "STOP"}])
def test_what_nobody_wrote_is_refused(fields: dict[str, Any]) -> None:
    assert refused(fields) == (422, "missing_field", "from")


_ANY = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=60), st.lists(st.text()))


@given(st.fixed_dictionaries({}, optional={name: _ANY for name in CLICKSEND if name not in {"from", "body"}}))
def test_no_field_but_from_and_body_can_cost_a_person_the_opt_out(fields: dict[str, Any]) -> None:
    event = received({**fields, "from": "+61411111111", "body": "STOP"})
    assert (event.phone, event.body) == ("+61411111111", "STOP")
    assert decode(inbound_event_adapter, encode(event)) == event


@given(st.text())
def test_any_text_is_an_event_that_can_be_read_again(body: str) -> None:
    event = received({**CLICKSEND, "body": body})
    assert decode(inbound_event_adapter, encode(event)) == event
    assert "\0" not in event.body
