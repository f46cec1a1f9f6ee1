"""The generic HTTP carrier: `POST {url}/v1/messages` with a bearer token; the sandbox carrier speaks it.

A 429 says that nothing of the message was taken: it is called again after a pause. Every other response counts as the
one call that a message id may have (G3), a 401 too; so that this does not fail message after message, it asks for a
pause in which nothing is called.
"""

from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field, SecretStr

from services.sender.carriers.carrier import Blocked, CallResult, CarrierAdapter, CarrierResponse, HttpCall
from services.sender.carriers.requests import bearer, json_call
from services.sender.carriers.responses import fields_of, result_by_status, taken, text_of, too_fast_if_429
from shared.events.outbound import MessageRequested

OPTED_OUT = "opted_out"
"""The error's code where the carrier itself has an opt-out of this sender number on record."""


class GenericAdapter(CarrierAdapter):
    """The adapter of the generic carrier."""

    carrier_url: Annotated[str, Field(pattern="^https?://")]
    carrier_token: Annotated[SecretStr, Field(min_length=8)]

    def call_of(self, request: MessageRequested) -> HttpCall:
        body = {
            "message_id": request.message_id,
            "account_id": request.account_id,
            "to": request.phone,
            "from": request.sender_number,
            "body": request.body,
            "custom_string": request.message_id,
        }
        headers = bearer(self.carrier_token.get_secret_value())
        return json_call(f"{self.carrier_url.rstrip('/')}/v1/messages", headers, body)

    def result_of(self, response: CarrierResponse) -> CallResult:
        fields = fields_of(response)
        if response.status == HTTPStatus.OK:
            return taken(response, fields.get("carrier_message_id"))
        error: Any = fields.get("error")
        code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else ("", "")
        if code == OPTED_OUT:
            return Blocked(OPTED_OUT, text_of(message))
        return too_fast_if_429(response, result_by_status(response, code, message))
