"""The forms that ClickSend posts as a gateway: an inbound SMS (URL action of an inbound rule) and a delivery receipt.

The fields are those of ClickSend's reference (developers.clicksend.com, SMS) and of receivers of its webhooks. Every
value is text; a missing one is empty. Like ClickSend, the form has the fields' older names too (`sms`, `message`,
`originalmessageid`, …). Codes: help.clicksend.com, "List of SMS gateway error codes".
"""

from harness.sandbox.calls import Call

Form = dict[str, str]

_USER_ID = "1"
_SUBACCOUNT_ID = "1"
_DELIVERED = {"status": "Delivered", "status_code": "201", "status_text": "Success: Message received on handset."}
_FAILED = {"status": "Undelivered", "status_code": "301", "status_text": "Failed: Message delivery failed."}


def inbound_form(  # noqa: PLR0913 (the fields of a form)
    *, phone: str, to: str, body: str, message_id: str, timestamp: int, replied: Call | None
) -> Form:
    """Return the form of a reply from `phone` to the number `to`; `replied` is the answered message."""
    original_id = replied.carrier_message_id if replied else ""
    original_body = replied.body if replied else ""
    custom_string = replied.custom_string if replied else ""
    return {
        "from": phone,
        "sms": phone,
        "to": to,
        "originalsenderid": to,
        "originalrecipient": phone,
        "body": body,
        "message": body,
        "original_body": original_body,
        "originalmessage": original_body,
        "original_message_id": original_id,
        "originalmessageid": original_id,
        "custom_string": custom_string,
        "customstring": custom_string,
        "message_id": message_id,
        "timestamp": str(timestamp),
        "_keyword": (body.split() or [""])[0],
        "user_id": _USER_ID,
        "subaccount_id": _SUBACCOUNT_ID,
    }


def receipt_form(call: Call, timestamp: int) -> Form:
    """Return the form of a message's receipt: delivered, or failed if it never reached the phone."""
    return {
        "message_id": call.carrier_message_id,
        **(_DELIVERED if call.delivered else _FAILED),
        "error_code": "" if call.delivered else "21610" if call.is_blocked else "301",
        "error_text": "" if call.delivered else "Message delivery failed.",
        "custom_string": call.custom_string,
        "timestamp_send": str(call.received_at // 1_000_000),
        "timestamp": str(timestamp),
        "message_type": "sms",
        "user_id": _USER_ID,
        "subaccount_id": _SUBACCOUNT_ID,
    }
