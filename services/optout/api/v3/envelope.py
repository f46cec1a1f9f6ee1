"""ClickSend's envelope: `{"http_code", "response_code", "response_msg", "data"}` around everything, errors too.

Typed clients refuse any further field, so an error says which field is meant in `data`: `{field: message}`.
"""

from typing import Generic, TypeVar

from fastapi.responses import JSONResponse

from services.optout.api.errors import ApiError
from services.optout.api.v3.models import Answer

_CODES = {
    400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "NOT_FOUND",
    429: "TOO_MANY_REQUESTS", 503: "UNAVAILABLE",
}  # fmt: skip
_BAD_REQUEST = 400

DataT = TypeVar("DataT")


class Envelope(Answer, Generic[DataT]):
    """The envelope of an answer with 200; a route's return type is `Envelope[…]` of its data."""

    http_code: int
    response_code: str
    response_msg: str
    data: DataT


def success(message: str, data: DataT) -> Envelope[DataT]:
    return Envelope(http_code=200, response_code="SUCCESS", response_msg=message, data=data)


def failure(error: ApiError) -> JSONResponse:
    """Return the error; statuses that ClickSend does not document (408, 409, 413, 422) are 400."""
    status = error.status_code if error.status_code in _CODES else _BAD_REQUEST
    body = {
        "http_code": status,
        "response_code": _CODES[status],
        "response_msg": error.detail,
        "data": {error.field: error.detail} if error.field and status == _BAD_REQUEST else None,
    }
    return JSONResponse(body, status, dict(error.headers or {}))
