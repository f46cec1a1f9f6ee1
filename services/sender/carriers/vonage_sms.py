"""Vonage's SMS API: `POST /sms/json`, as a form. It reports its own opt-outs in receipts, not in responses.

Each response is 200, and each part of a long text has a status: one part that was taken, or may have been, counts.
"""

from typing import Annotated, Any

from pydantic import Field, SecretStr

from services.sender.carriers.carrier import (
    CallResult,
    CarrierAdapter,
    CarrierResponse,
    HttpCall,
    Refused,
    Unknown,
)
from services.sender.carriers.requests import form_call, given
from services.sender.carriers.responses import (
    BUSY_SECONDS,
    NOT_ALLOWED_SECONDS,
    fields_of,
    is_success,
    result_by_status,
    taken,
    text_of,
    too_fast,
    too_fast_if_429,
    without_id,
)
from shared.events.outbound import MessageRequested
from shared.segments import segments_of

_MAX_CLIENT_REF = 100
_TAKEN, _THROTTLED, _INTERNAL_ERROR = "0", "1", "5"
# Too many binds; credentials, an account that is barred, without credit or not enabled.
_PAUSES = {
    "10": BUSY_SECONDS,
    **dict.fromkeys(("4", "8", "9", "11"), NOT_ALLOWED_SECONDS),
}


class VonageSmsAdapter(CarrierAdapter):
    """The adapter of Vonage's SMS API."""

    vonage_sms_url: Annotated[str, Field(pattern="^https?://")] = "https://rest.nexmo.com"
    vonage_sms_api_key: Annotated[str, Field(min_length=1)]
    vonage_sms_api_secret: Annotated[SecretStr, Field(min_length=8)]
    vonage_sms_callback: str = ""

    def call_of(self, request: MessageRequested) -> HttpCall:
        form = {
            "api_key": self.vonage_sms_api_key,
            "api_secret": self.vonage_sms_api_secret.get_secret_value(),
            "from": request.sender_number.removeprefix("+"),
            "to": request.phone.removeprefix("+"),
            "text": request.body,
            "type": "text" if segments_of(request.body).encoding == "gsm7" else "unicode",
            "client-ref": request.message_id if len(request.message_id) <= _MAX_CLIENT_REF else "",
            "callback": self.vonage_sms_callback,
        }
        return form_call(f"{self.vonage_sms_url.rstrip('/')}/sms/json", {}, given(form))

    def result_of(self, response: CarrierResponse) -> CallResult:
        if not is_success(response):
            return too_fast_if_429(response, result_by_status(response))
        part = _deciding(fields_of(response).get("messages"))
        status, words = text_of(part.get("status")), text_of(part.get("error-text"))
        if status == _TAKEN:
            return taken(response, part.get("message-id"))
        if status == _THROTTLED:
            return too_fast(Refused(f"{status} {words}".strip()))
        if status == _INTERNAL_ERROR:
            return Unknown(f"the carrier answered {status} {words}")
        return Refused(f"{status} {words}".strip(), _PAUSES.get(status, 0.0)) if status else without_id(response)


def _deciding(messages: Any) -> dict[str, Any]:
    """Return the part that counts; the message is throttled only where each of its parts is."""
    parts = [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    ranks = {_TAKEN: 0, _INTERNAL_ERROR: 1, _THROTTLED: 3}
    return min(parts, key=lambda part: ranks.get(text_of(part.get("status")), 2), default={})
