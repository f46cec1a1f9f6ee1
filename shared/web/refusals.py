"""Answers to what never becomes a request: written by the protocol itself, before any application is asked."""

import json
from typing import NamedTuple


class Refusal(NamedTuple):
    """An answer that ends its connection.

    Attributes:
        limit: what the request went over, as the metric names it.
        answer: the whole answer, headers included.
    """

    limit: str
    answer: bytes


def _refusal(limit: str, status: str, message: str) -> Refusal:
    body = json.dumps({"error": {"code": limit, "message": message, "field": None}}).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return Refusal(limit, head.encode() + b"connection: close\r\n\r\n" + body)


MALFORMED = _refusal("malformed_request", "400 Bad Request", "this is not an HTTP request")
TOO_SLOW = _refusal("too_slow", "408 Request Timeout", "the request did not arrive in time")
TOO_MUCH_FRAMING = _refusal("too_much_framing", "413 Content Too Large", "the body's chunks are too small")
URL_TOO_LONG = _refusal("url_too_long", "414 URI Too Long", "the address is too long")
HEADERS_TOO_LARGE = _refusal(
    "headers_too_large", "431 Request Header Fields Too Large", "the headers are too many or too large"
)
TOO_MANY_PIPELINED = _refusal("too_many_pipelined", "429 Too Many Requests", "too many requests wait on one connection")
OVERLOADED = _refusal("overloaded", "503 Service Unavailable", "too many requests at once; try again")
