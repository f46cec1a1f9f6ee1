"""Twilio: `POST /2010-04-01/Accounts/{sid}/Messages.json`, as a form.

An opt-out of its own (21610) covers the sender number, or every number of the messaging service that sends.
"""

from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from services.sender.carriers.carrier import (
    Blocked,
    CallResult,
    CarrierAdapter,
    CarrierResponse,
    HttpCall,
    Refused,
    Throttled,
)
from services.sender.carriers.requests import basic, form_call, given
from services.sender.carriers.responses import (
    MAX_PAUSE_SECONDS,
    fields_of,
    is_success,
    result_by_status,
    taken,
    text_of,
    too_fast_if_429,
)
from shared.events.outbound import MessageRequested

_UNSUBSCRIBED = "21610"
_QUEUE_IS_FULL = "21611"
"""The sender number has hours of messages queued already; this one was not created."""


class TwilioAdapter(CarrierAdapter):
    """The adapter of Twilio. `twilio_secret` is the API key's, or without one the account's auth token."""

    answers_stop_itself: ClassVar[bool] = True

    twilio_url: Annotated[str, Field(pattern="^https?://")] = "https://api.twilio.com"
    twilio_account_sid: Annotated[str, Field(pattern="^[A-Za-z0-9]+$")]
    twilio_api_key: str = ""
    twilio_secret: Annotated[SecretStr, Field(min_length=8)]
    twilio_messaging_service_sid: str = ""
    twilio_status_callback: str = ""

    def call_of(self, request: MessageRequested) -> HttpCall:
        form = {
            "To": request.phone,
            "From": request.sender_number,
            "Body": request.body,
            "MessagingServiceSid": self.twilio_messaging_service_sid,
            "StatusCallback": self.twilio_status_callback,
        }
        url = f"{self.twilio_url.rstrip('/')}/2010-04-01/Accounts/{self.twilio_account_sid}/Messages.json"
        headers = basic(self.twilio_api_key or self.twilio_account_sid, self.twilio_secret.get_secret_value())
        return form_call(url, headers, given(form))

    def result_of(self, response: CarrierResponse) -> CallResult:
        fields = fields_of(response)
        if is_success(response):
            return taken(response, fields.get("sid"))
        code, reason = text_of(fields.get("code")), text_of(fields.get("message"))
        if code == _UNSUBSCRIBED:
            return Blocked(code, reason, self.twilio_messaging_service_sid or None)
        result = result_by_status(response, code, reason)
        if code == _QUEUE_IS_FULL and isinstance(result, Refused):
            return Throttled(result.reason, MAX_PAUSE_SECONDS, "number")
        return too_fast_if_429(response, result)
