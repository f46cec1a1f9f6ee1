"""Sinch's SMS API: `POST /xms/v1/{service_plan_id}/batches`, a batch of one message per call.

`client_reference` brings our id back in replies and receipts.
"""

from typing import Annotated

from pydantic import Field, SecretStr

from services.sender.carriers.carrier import CallResult, CarrierAdapter, CarrierResponse, HttpCall
from services.sender.carriers.requests import bearer, given, json_call
from services.sender.carriers.responses import fields_of, is_success, result_by_status, taken, too_fast_if_429
from shared.events.outbound import MessageRequested


class SinchAdapter(CarrierAdapter):
    """The adapter of Sinch. It has no documented code for an opt-out of its own."""

    sinch_url: Annotated[str, Field(pattern="^https?://")] = "https://us.sms.api.sinch.com"
    sinch_service_plan_id: Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$")]
    sinch_api_token: Annotated[SecretStr, Field(min_length=8)]
    sinch_callback_url: str = ""

    def call_of(self, request: MessageRequested) -> HttpCall:
        body = {
            "from": request.sender_number,
            "to": [request.phone],
            "body": request.body,
            "delivery_report": "per_recipient",
            "client_reference": request.message_id,
            "callback_url": self.sinch_callback_url,
        }
        url = f"{self.sinch_url.rstrip('/')}/xms/v1/{self.sinch_service_plan_id}/batches"
        headers = bearer(self.sinch_api_token.get_secret_value())
        return json_call(url, headers, given(body))

    def result_of(self, response: CarrierResponse) -> CallResult:
        fields = fields_of(response)
        if not is_success(response):
            return too_fast_if_429(response, result_by_status(response, fields.get("code"), fields.get("text")))
        return taken(response, fields.get("id"))
