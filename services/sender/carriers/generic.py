"""The generic HTTP carrier: `POST {url}/v1/messages` with a bearer token; the sandbox carrier speaks it.

Every response counts as the one call that a message id may have (G3), a 429 and a 401 too. So that these do not fail
message after message, they ask for a pause in which nothing is called.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from pydantic import Field, SecretStr

from services.sender.carriers.carrier import (
    Accepted,
    Blocked,
    CallResult,
    CarrierAdapter,
    CarrierResponse,
    HttpCall,
    Refused,
    Unknown,
)
from shared.events.base import storable
from shared.events.outbound import MessageRequested

MAX_PAUSE_SECONDS = 60.0
OPTED_OUT = "opted_out"
"""The error's code where the carrier itself has an opt-out of this sender number on record."""
_BUSY_SECONDS = 1.0
_NOT_ALLOWED_SECONDS = 10.0
_MAX_TEXT_CHARACTERS = 200
_PAUSES: dict[int, float] = {
    HTTPStatus.TOO_MANY_REQUESTS: _BUSY_SECONDS,
    HTTPStatus.SERVICE_UNAVAILABLE: _BUSY_SECONDS,
    HTTPStatus.UNAUTHORIZED: _NOT_ALLOWED_SECONDS,
    HTTPStatus.FORBIDDEN: _NOT_ALLOWED_SECONDS,
}


class GenericAdapter(CarrierAdapter):
    """The adapter of the generic carrier."""

    carrier_url: Annotated[str, Field(pattern="^https?://")]
    carrier_token: Annotated[SecretStr, Field(min_length=8)]

    def call_of(self, request: MessageRequested) -> HttpCall:
        headers = {
            "Authorization": f"Bearer {self.carrier_token.get_secret_value()}",
            "Content-Type": "application/json",
        }
        return HttpCall(f"{self.carrier_url.rstrip('/')}/v1/messages", headers, _body(request))

    def result_of(self, response: CarrierResponse) -> CallResult:
        return call_result_of(response.status, response.headers, response.body)


def _body(request: MessageRequested) -> bytes:
    return json.dumps(
        {
            "message_id": request.message_id,
            "account_id": request.account_id,
            "to": request.phone,
            "from": request.sender_number,
            "body": request.body,
            "custom_string": request.message_id,
        }
    ).encode()


def call_result_of(status: int, headers: Mapping[str, str], body: bytes) -> CallResult:
    """Return what an HTTP response says about the message."""
    if status == HTTPStatus.OK:
        return _accepted(body)
    pause_seconds = _pause_seconds(status, headers)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _refused(status, body, pause_seconds)
    return Unknown(f"the carrier answered {status}", pause_seconds)


def _accepted(body: bytes) -> CallResult:
    try:
        carrier_message_id = json.loads(body)["carrier_message_id"]
    except (ValueError, KeyError, TypeError):
        carrier_message_id = None
    if not isinstance(carrier_message_id, str) or not carrier_message_id:
        return Unknown(f"the carrier answered 200 with {len(body)} bytes that name no carrier_message_id")
    return Accepted(_text(carrier_message_id))


def _refused(status: int, body: bytes, pause_seconds: float) -> CallResult:
    try:
        error = json.loads(body)["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        return Refused(f"{status}", pause_seconds)
    if code == OPTED_OUT:
        return Blocked(code, _text(message))
    return Refused(_text(f"{status} {code}: {message}"), pause_seconds)


def _text(text: str) -> str:
    """Return a carrier's text as Postgres and Kafka can hold it: without NUL and halves of characters."""
    return storable(text[:_MAX_TEXT_CHARACTERS].encode(errors="replace").decode())


def _pause_seconds(status: int, headers: Mapping[str, str]) -> float:
    default = _PAUSES.get(status, 0.0)
    asked = headers.get("Retry-After", "")
    return min(float(asked), MAX_PAUSE_SECONDS) if default and asked.isdigit() else default
