"""A request to a carrier's API and its response, as adapters write and read them; no I/O."""

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.errors import TransientError

_OK = range(200, 300)
_TOO_MANY = 429
_SERVER_ERROR = 500
_COUNT_DIGITS = 9


class ApiRequest(NamedTuple):
    """A request; without a `body` it is a GET."""

    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


class ApiResponse(NamedTuple):
    """A response, read up to a limit."""

    status: int
    body: bytes


class CarrierRefusesError(Exception):
    """A refusal that the same request will always get: wrong credentials, rights, or an id that is not there."""


def basic_auth(user: str, password: str) -> str:
    """Return the `Authorization` of RFC 7617."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def json_of(response: ApiResponse) -> dict[str, Any]:
    """Return the object in the body of a success.

    Raises:
        CarrierRefusesError: the carrier refuses; says its status and the beginning of its words.
        TransientError: it asks to come later, is out of order, or answers something else than an object.
    """
    if response.status not in _OK:
        raise refusal(response)
    try:
        found = json.loads(response.body or b"{}")
    except (ValueError, RecursionError):
        raise TransientError("the response is not JSON") from None
    if not isinstance(found, dict):
        raise TransientError("the response is not a JSON object")
    return found


def refusal(response: ApiResponse) -> Exception:
    """Return the error for a response that is not a success; nothing of it that may be a phone number is in it."""
    if response.status in (408, 425, _TOO_MANY) or response.status >= _SERVER_ERROR:
        return TransientError(f"answered {response.status}")
    return CarrierRefusesError(f"answered {response.status}")


def texts_of(value: object) -> dict[str, str]:
    """Return the members of an object that are texts or numbers, as texts; none of what is not an object.

    Halves of surrogate pairs, which JSON can have and UTF-8 cannot, are question marks.
    """
    if not isinstance(value, dict):
        return {}
    found = {name: str(each) for name, each in value.items() if isinstance(each, str | int | float)}
    return {name: each.encode("utf-8", "replace").decode() for name, each in found.items()}


def count_of(text: str) -> int | None:
    """Return the number of pages that a carrier writes; None where it is not one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _COUNT_DIGITS else None


def objects_of(value: object) -> list[object]:
    """Return the members of a list.

    Raises:
        TransientError: it is not one; a list that was not read must not count as an empty one.
    """
    if not isinstance(value, list):
        raise TransientError("the response has no list")
    return value


def texts_of_body(response: ApiResponse) -> dict[str, str]:
    """Return the texts of the object in the body, whatever the status; none where there is no object."""
    try:
        return texts_of(json.loads(response.body or b"{}"))
    except (ValueError, RecursionError):
        return {}
