"""Plivo: `POST /v1/Account/{auth_id}/Message/`. It reports an opt-out of its own (200) in a receipt."""

from typing import Annotated

from pydantic import Field, SecretStr

from services.sender.carriers.carrier import Accepted, CallResult, CarrierAdapter, CarrierResponse, HttpCall, Refused
from services.sender.carriers.requests import basic, given, json_call
from services.sender.carriers.responses import fields_of, is_success, result_by_status, text_of, without_id
from shared.events.outbound import MessageRequested


class PlivoAdapter(CarrierAdapter):
    """The adapter of Plivo."""

    plivo_url: Annotated[str, Field(pattern="^https?://")] = "https://api.plivo.com"
    plivo_auth_id: Annotated[str, Field(pattern="^[A-Za-z0-9]+$")]
    plivo_auth_token: Annotated[SecretStr, Field(min_length=8)]
    plivo_callback: str = ""

    def call_of(self, request: MessageRequested) -> HttpCall:
        body = {"src": request.sender_number, "dst": request.phone, "text": request.body, "url": self.plivo_callback}
        url = f"{self.plivo_url.rstrip('/')}/v1/Account/{self.plivo_auth_id}/Message/"
        headers = basic(self.plivo_auth_id, self.plivo_auth_token.get_secret_value())
        return json_call(url, headers, given(body))

    def result_of(self, response: CarrierResponse) -> CallResult:
        fields = fields_of(response)
        if not is_success(response):
            return result_by_status(response, reason=fields.get("error"))
        uuids = fields.get("message_uuid")
        carrier_message_id = text_of(uuids[0]) if isinstance(uuids, list) and uuids else ""
        if carrier_message_id:
            return Accepted(carrier_message_id)
        return Refused("the number is not valid") if fields.get("invalid_number") else without_id(response)
