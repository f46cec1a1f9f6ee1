"""The meaning of the generic carrier's HTTP responses; no I/O.

Every answer but a connection that never came about counts as the one call that a message id may have (G3), a 429 and
a 401 too. So that these do not fail message after message, they ask for a pause in which nothing is called.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus

from services.sender.carriers.carrier import Accepted, CallResult, Refused, Unknown
from shared.events.base import storable

MAX_PAUSE_SECONDS = 60.0
_BUSY_SECONDS = 1.0
_NOT_ALLOWED_SECONDS = 10.0
_MAX_TEXT_CHARACTERS = 200
_PAUSES: dict[int, float] = {
    HTTPStatus.TOO_MANY_REQUESTS: _BUSY_SECONDS,
    HTTPStatus.SERVICE_UNAVAILABLE: _BUSY_SECONDS,
    HTTPStatus.UNAUTHORIZED: _NOT_ALLOWED_SECONDS,
    HTTPStatus.FORBIDDEN: _NOT_ALLOWED_SECONDS,
}


def call_result_of(status: int, headers: Mapping[str, str], body: bytes) -> CallResult:
    """Return what an HTTP answer says about the message."""
    if status == HTTPStatus.OK:
        return _accepted(body)
    pause_seconds = _pause_seconds(status, headers)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refused(_reason(status, body), pause_seconds)
    return Unknown(f"the carrier answered {status}", pause_seconds)


def _accepted(body: bytes) -> CallResult:
    try:
        carrier_message_id = json.loads(body)["carrier_message_id"]
    except (ValueError, KeyError, TypeError):
        carrier_message_id = None
    if not isinstance(carrier_message_id, str) or not carrier_message_id:
        return Unknown(f"the carrier answered 200 with {len(body)} bytes that name no carrier_message_id")
    return Accepted(_text(carrier_message_id))


def _reason(status: int, body: bytes) -> str:
    try:
        error = json.loads(body)["error"]
        return _text(f"{status} {error['code']}: {error['message']}")
    except (ValueError, KeyError, TypeError):
        return f"{status}"


def _text(text: str) -> str:
    """Return a carrier's text as Postgres and Kafka can hold it: without NUL and halves of characters."""
    return storable(text[:_MAX_TEXT_CHARACTERS].encode(errors="replace").decode())


def _pause_seconds(status: int, headers: Mapping[str, str]) -> float:
    default = _PAUSES.get(status, 0.0)
    asked = headers.get("Retry-After", "")
    return min(float(asked), MAX_PAUSE_SECONDS) if default and asked.isdigit() else default
