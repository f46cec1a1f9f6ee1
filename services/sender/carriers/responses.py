"""Parts of carriers' responses: their texts, and what an HTTP status says where nothing else does."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from services.sender.carriers.carrier import Accepted, CallResult, CarrierResponse, Refused, Throttled, Unknown
from shared.events.base import storable

MAX_PAUSE_SECONDS = 60.0
NOT_ALLOWED_SECONDS = 10.0
BUSY_SECONDS = 1.0
_MAX_TEXT_CHARACTERS = 200
_PAUSES: dict[int, float] = {
    HTTPStatus.TOO_MANY_REQUESTS: BUSY_SECONDS,
    HTTPStatus.SERVICE_UNAVAILABLE: BUSY_SECONDS,
    HTTPStatus.UNAUTHORIZED: NOT_ALLOWED_SECONDS,
    HTTPStatus.PAYMENT_REQUIRED: NOT_ALLOWED_SECONDS,
    HTTPStatus.FORBIDDEN: NOT_ALLOWED_SECONDS,
}


def fields_of(response: CarrierResponse) -> dict[str, Any]:
    """Return the JSON object of a response; empty where it has none."""
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def first_of(value: object) -> dict[str, Any]:
    """Return the first object of a list; empty where there is none."""
    found = value[0] if isinstance(value, list) and value else None
    return found if isinstance(found, dict) else {}


def text_of(value: object) -> str:
    """Return a carrier's text, or number, as Postgres and Kafka can hold it: without NUL and halves of characters."""
    text = str(value) if isinstance(value, str | int) else ""
    return storable(text[:_MAX_TEXT_CHARACTERS].encode(errors="replace").decode())


def is_success(response: CarrierResponse) -> bool:
    return HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES


def taken(response: CarrierResponse, carrier_message_id: object) -> Accepted | Unknown:
    """Return the result of a success; one that names no message leaves it open whether the carrier has it."""
    named = text_of(carrier_message_id)
    return Accepted(named) if named else without_id(response)


def without_id(response: CarrierResponse) -> Unknown:
    """Return the result of a success that names no message: the carrier may have it."""
    return Unknown(f"the carrier answered {response.status} with {len(response.body)} bytes that name no message")


def result_by_status(response: CarrierResponse, code: object = "", reason: object = "") -> CallResult:
    """Return what a response that is not a success says by its status, with the carrier's own code and words.

    4xx: the carrier did not take the message. Everything else leaves the outcome open.
    """
    words = text_of(": ".join(filter(None, (f"{response.status} {text_of(code)}".strip(), text_of(reason)))))
    pause_seconds = pause_of(response.status, response.headers)
    if HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refused(words, pause_seconds)
    return Unknown(f"the carrier answered {words}", pause_seconds)


def too_fast(result: CallResult) -> CallResult:
    """Return a refusal as one of the pace, which an adapter may say only where the carrier's documentation does.

    Such a message is called again: nothing of it may have been accepted. A result that is not a refusal stays one.
    """
    if not isinstance(result, Refused):
        return result
    return Throttled(result.reason, result.pause_seconds or BUSY_SECONDS)


def too_fast_if_429(response: CarrierResponse, result: CallResult) -> CallResult:
    """Return `too_fast` of the result of a 429, for carriers that document that they do nothing with such a request."""
    return too_fast(result) if response.status == HTTPStatus.TOO_MANY_REQUESTS else result


def pause_of(status: int, headers: Mapping[str, str]) -> float:
    """Return the pause that a status asks for, as long as `Retry-After` says, within limits."""
    default = _PAUSES.get(status, 0.0)
    asked = headers.get("Retry-After", "")
    return min(float(asked), MAX_PAUSE_SECONDS) if default and asked.isdecimal() else default
