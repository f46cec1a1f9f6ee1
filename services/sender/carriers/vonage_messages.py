"""Vonage's Messages API: `POST /v1/messages`, as JSON; `client_ref` brings our id back in its statuses.

Its requests carry a JWT of an application, signed with that application's private key, or the account's key and secret.
It reports an opt-out of its own (1240) in a status or, where it knows it by then, in its response.
"""

from http import HTTPStatus
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, model_validator

from services.sender.carriers.application_tokens import application_token, check_private_key
from services.sender.carriers.carrier import Blocked, CallResult, CarrierAdapter, CarrierResponse, HttpCall
from services.sender.carriers.requests import basic, bearer, given, json_call
from services.sender.carriers.responses import (
    fields_of,
    is_success,
    result_by_status,
    taken,
    text_of,
    too_fast_if_429,
)
from shared.events.outbound import MessageRequested
from shared.segments import segments_of

_MAX_CLIENT_REF = 100
_OPTED_OUT = "1240"


class VonageMessagesAdapter(CarrierAdapter):
    """The adapter of Vonage's Messages API; its credentials are an application's, or an account's."""

    vonage_messages_url: Annotated[str, Field(pattern="^https?://")] = "https://api.nexmo.com"
    vonage_messages_application_id: Annotated[str, Field(pattern="^[A-Za-z0-9-]*$")] = ""
    vonage_messages_private_key: SecretStr | None = None
    """PEM, of the application; the ends of its lines may be escaped."""
    vonage_messages_api_key: str = ""
    vonage_messages_api_secret: Annotated[SecretStr, Field(min_length=8)] | None = None
    vonage_messages_webhook_url: str = ""

    @model_validator(mode="after")
    def _one_kind_of_credentials(self) -> Self:
        application = bool(self.vonage_messages_application_id), self.vonage_messages_private_key is not None
        account = bool(self.vonage_messages_api_key), self.vonage_messages_api_secret is not None
        if sorted((application, account)) != [(False, False), (True, True)]:
            raise ValueError(
                "the carrier vonage-messages needs STOPLINE_VONAGE_MESSAGES_APPLICATION_ID and"
                " STOPLINE_VONAGE_MESSAGES_PRIVATE_KEY, or STOPLINE_VONAGE_MESSAGES_API_KEY and"
                " STOPLINE_VONAGE_MESSAGES_API_SECRET"
            )
        if self.vonage_messages_private_key is not None:
            check_private_key(self.vonage_messages_private_key.get_secret_value())
        return self

    def call_of(self, request: MessageRequested) -> HttpCall:
        encoding = "text" if segments_of(request.body).encoding == "gsm7" else "unicode"
        body: dict[str, Any] = {
            "message_type": "text",
            "channel": "sms",
            "from": request.sender_number.removeprefix("+"),
            "to": request.phone.removeprefix("+"),
            "text": request.body,
            "sms": {"encoding_type": encoding},
            "client_ref": request.message_id if len(request.message_id) <= _MAX_CLIENT_REF else "",
            "webhook_url": self.vonage_messages_webhook_url,
        }
        return json_call(f"{self.vonage_messages_url.rstrip('/')}/v1/messages", self._authorization(), given(body))

    def result_of(self, response: CarrierResponse) -> CallResult:
        fields = fields_of(response)
        if is_success(response):
            return taken(response, fields.get("message_uuid"))
        code, reason = text_of(fields.get("type")).rpartition("#")[2], text_of(fields.get("detail"))
        if code == _OPTED_OUT and response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Blocked(code, reason)
        # Error 1000, "throttled", is one of a status: of a message that Vonage had accepted before.
        return too_fast_if_429(response, result_by_status(response, code, reason or text_of(fields.get("title"))))

    def _authorization(self) -> dict[str, str]:
        if self.vonage_messages_private_key is not None:
            key = self.vonage_messages_private_key.get_secret_value()
            return bearer(application_token(self.vonage_messages_application_id, key))
        secret = self.vonage_messages_api_secret
        return basic(self.vonage_messages_api_key, "" if secret is None else secret.get_secret_value())
