"""ClickSend: `POST /v3/sms/send`, one message per call; `custom_string` brings our id back in replies and receipts."""

from typing import Annotated, Any

from pydantic import Field, SecretStr

from services.sender.carriers.carrier import CallResult, CarrierAdapter, CarrierResponse, HttpCall, Refused
from services.sender.carriers.requests import basic, json_call
from services.sender.carriers.responses import (
    NOT_ALLOWED_SECONDS,
    fields_of,
    first_of,
    is_success,
    result_by_status,
    taken,
    text_of,
    too_fast,
    too_fast_if_429,
    without_id,
)
from shared.events.outbound import MessageRequested

_PAUSES = {"INSUFFICIENT_CREDIT": NOT_ALLOWED_SECONDS}
"""The statuses of a message that hold for all others too."""
_THROTTLED = "THROTTLED"


class ClickSendAdapter(CarrierAdapter):
    """The adapter of ClickSend. It does not say whether a recipient has opted out: its receipts may."""

    clicksend_url: Annotated[str, Field(pattern="^https?://")] = "https://rest.clicksend.com"
    clicksend_username: Annotated[str, Field(min_length=1)]
    clicksend_api_key: Annotated[SecretStr, Field(min_length=8)]

    def call_of(self, request: MessageRequested) -> HttpCall:
        message = {
            "source": "stopline",
            "from": request.sender_number,
            "to": request.phone,
            "body": request.body,
            "custom_string": request.message_id,
        }
        headers = basic(self.clicksend_username, self.clicksend_api_key.get_secret_value())
        return json_call(f"{self.clicksend_url.rstrip('/')}/v3/sms/send", headers, {"messages": [message]})

    def result_of(self, response: CarrierResponse) -> CallResult:
        """The call is answered 200 although its message failed: the message's own status counts."""
        fields = fields_of(response)
        if not is_success(response):
            words = fields.get("response_code"), fields.get("response_msg")
            return too_fast_if_429(response, result_by_status(response, *words))
        data: Any = fields.get("data")
        message = first_of(data.get("messages") if isinstance(data, dict) else None)
        status = text_of(message.get("status"))
        if status == "SUCCESS":
            return taken(response, message.get("message_id"))
        if status == _THROTTLED:
            return too_fast(Refused(status))
        return Refused(status, _PAUSES.get(status, 0.0)) if status else without_id(response)
