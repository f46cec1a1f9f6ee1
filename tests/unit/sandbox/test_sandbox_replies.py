"""What a reply answers, and the forms that a gateway posts."""

from datetime import UTC, datetime

import pytest

from harness.sandbox.calls import Call
from harness.sandbox.clicksend_forms import receipt_form
from harness.sandbox.gateway import backoff_seconds
from harness.sandbox.refusals import RequestRefusedError
from harness.sandbox.replies import Reply, ReplyRequest, compose
from services.inbound.gateways.clicksend import ClickSendMessage, ClickSendReceipt

PHONE = "+14155550100"
NUMBER = "+18335550123"
OTHER_NUMBER = "+18335550999"
NOW = 1_800_000_000


def message(number: int, sender_number: str = NUMBER, account_id: str = "acme") -> Call:
    return Call(
        f"C{number}", f"m{number}", account_id, PHONE, sender_number, f"Text {number}", f"m{number}", NOW * 10**6, True
    )


def reply(received: list[Call], **asked: object) -> Reply:
    return compose(ReplyRequest.model_validate({"body": "Stop", **asked}), PHONE, received, "NEW", NOW)


def answered(received: list[Call], **asked: object) -> tuple[str, str, str]:
    form = reply(received, **asked).form
    return form["to"], form["original_message_id"], form["custom_string"]


def test_a_reply_answers_the_last_message() -> None:
    made = reply([message(1), message(2)])
    assert made.account_id == "acme"
    assert (
        made.form
        | {
            "from": PHONE,
            "to": NUMBER,
            "body": "Stop",
            "original_body": "Text 2",
            "original_message_id": "C2",
            "custom_string": "m2",
            "message_id": "NEW",
            "timestamp": str(NOW),
        }
        == made.form
    )


def test_a_reply_to_a_number_answers_the_last_message_from_that_number() -> None:
    assert answered([message(1), message(2, OTHER_NUMBER)], to=NUMBER) == (NUMBER, "C1", "m1")


def test_a_reply_for_an_account_answers_the_last_message_of_that_account() -> None:
    assert answered([message(1), message(2, OTHER_NUMBER, "other")], account_id="acme") == (NUMBER, "C1", "m1")


def test_a_reply_can_answer_an_older_message_and_goes_to_its_number() -> None:
    assert answered([message(1, OTHER_NUMBER), message(2)], in_reply_to="C1") == (OTHER_NUMBER, "C1", "m1")


def test_a_reply_can_answer_nothing() -> None:
    assert answered([message(1)], in_reply_to=None) == (NUMBER, "", "")


def test_without_a_pointer_the_form_says_nothing_about_the_message() -> None:
    made = reply([message(1)], pointer=False)
    assert made.account_id == "acme"
    assert {made.form[name] for name in ("original_message_id", "custom_string", "original_body")} == {""}


def test_a_reply_can_be_repeated_exactly() -> None:
    form = reply([message(1)], message_id="AGAIN", timestamp=1).form
    assert (form["message_id"], form["timestamp"]) == ("AGAIN", "1")


def test_a_phone_that_received_nothing_can_write_to_a_number_of_an_account() -> None:
    made = reply([], to=NUMBER, account_id="acme")
    assert (made.account_id, made.form["to"], made.form["original_message_id"]) == ("acme", NUMBER, "")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "to"),
        ({"to": NUMBER}, "account_id"),
        ({"account_id": "acme"}, "to"),
        ({"in_reply_to": "C9"}, "in_reply_to"),
    ],
)
def test_a_reply_that_says_too_little_is_refused_with_what_to_send(asked: dict[str, str], field: str) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        reply([], **asked)
    assert (refused.value.status, refused.value.field) == (422, field)


def test_a_receipt_says_whether_the_message_reached_the_phone() -> None:
    sent = message(1)
    delivered = receipt_form(sent, NOW + 2)
    sent.delivered = False
    failed = receipt_form(sent, NOW + 2)
    assert (delivered["status_code"], failed["status_code"]) == ("201", "301")
    assert (delivered["error_code"], failed["error_code"]) == ("", "301")
    assert delivered["message_id"] == failed["message_id"] == "C1"
    assert (delivered["custom_string"], delivered["timestamp_send"], delivered["timestamp"]) == (
        "m1",
        str(NOW),
        str(NOW + 2),
    )


def test_the_pause_between_attempts_doubles_up_to_a_limit() -> None:
    assert [backoff_seconds(number, 0.2) for number in (1, 2, 3)] == [0.2, 0.4, 0.8]
    assert backoff_seconds(50, 0.2) == 5.0
    assert backoff_seconds(3, 30) == 30


def test_our_inbound_service_reads_the_forms() -> None:
    now = datetime.fromtimestamp(NOW, UTC)
    heard = ClickSendMessage.model_validate(reply([message(1)]).form).event("acme", now)
    assert (heard.phone, heard.sender_number, heard.body) == (PHONE, NUMBER, "Stop")
    assert (heard.replied_message_id, heard.replied_carrier_message_id, heard.replied_body) == ("m1", "C1", "Text 1")
    assert heard.sent_at == now
    receipt = ClickSendReceipt.model_validate(receipt_form(message(1), NOW)).event("acme", now)
    assert (receipt.carrier_message_id, receipt.message_id, receipt.status) == ("C1", "m1", "delivered")
