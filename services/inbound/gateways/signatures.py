"""Helpers that check signatures; a comparison takes the same time wherever the two differ."""

import base64
import hmac
from urllib.parse import parse_qsl

from services.inbound.fields import is_json
from services.inbound.gateways.request import GatewayRequest
from services.inbound.limits import MAX_FORM_FIELDS


def same(expected: str, given: str) -> bool:
    """Return whether a signature is the expected one."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))


def hmac_base64(key: str, content: bytes, algorithm: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), content, algorithm)).decode()


def hmac_hex(key: str, content: bytes, algorithm: str) -> str:
    return hmac.digest(key.encode(), content, algorithm).hex()


def form_pairs(request: GatewayRequest) -> list[tuple[str, str]] | None:
    """Return the fields of a form, for a signature of them; None where the body is not read as a form.

    Such a signature says nothing about JSON: who moves the signed names and values into an object has another message.
    """
    if is_json(request.headers.get("content-type", ""), request.body):
        return None
    return pairs(request.body.decode(errors="replace"))


def pairs(text: str) -> list[tuple[str, str]] | None:
    """Return the names and values of a form or a query; None where they are too many, not an empty list to sign."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        return None
