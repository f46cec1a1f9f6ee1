"""Telnyx: `POST /v2/messages`. An opt-out of its own (40300) covers the numbers of a messaging profile."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, SecretStr

from services.sender.carriers.carrier import Blocked, CallResult, CarrierAdapter, CarrierResponse, HttpCall
from services.sender.carriers.requests import bearer, given, json_call
from services.sender.carriers.responses import (
    fields_of,
    first_of,
    is_success,
    result_by_status,
    taken,
    text_of,
    too_fast_if_429,
)
from shared.events.outbound import MessageRequested

_BLOCKED_BY_STOP = "40300"


class TelnyxAdapter(CarrierAdapter):
    """The adapter of Telnyx. The messaging profile is needed for alphanumeric sender IDs only."""

    answers_stop_itself: ClassVar[bool] = True

    telnyx_url: Annotated[str, Field(pattern="^https?://")] = "https://api.telnyx.com"
    telnyx_api_key: Annotated[SecretStr, Field(min_length=8)]
    telnyx_messaging_profile_id: str = ""
    telnyx_webhook_url: str = ""

    def call_of(self, request: MessageRequested) -> HttpCall:
        body = {
            "from": request.sender_number,
            "to": request.phone,
            "text": request.body,
            "messaging_profile_id": self.telnyx_messaging_profile_id,
            "webhook_url": self.telnyx_webhook_url,
        }
        headers = bearer(self.telnyx_api_key.get_secret_value())
        return json_call(f"{self.telnyx_url.rstrip('/')}/v2/messages", headers, given(body))

    def result_of(self, response: CarrierResponse) -> CallResult:
        fields = fields_of(response)
        if is_success(response):
            data: Any = fields.get("data")
            return taken(response, data.get("id") if isinstance(data, dict) else None)
        error = first_of(fields.get("errors"))
        code, reason = text_of(error.get("code")), text_of(error.get("detail") or error.get("title"))
        if code == _BLOCKED_BY_STOP:
            return Blocked(code, reason, self.telnyx_messaging_profile_id or None)
        return too_fast_if_429(response, result_by_status(response, code, reason))
