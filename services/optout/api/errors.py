"""Errors of the API: one envelope, `{"error": {"code", "message", "field"}}`, whatever went wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}


class ApiError(HTTPException):
    """A mistake in a request; `message` says what to do, `field` names the part of the request."""

    def __init__(
        self, status: int, code: str, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, message, headers=headers)
        self.code = code
        self.field = field


def from_http(error: HTTPException) -> ApiError:
    """Return `error`, raised by the framework or by us, as one of ours."""
    if isinstance(error, ApiError):
        return error
    code = _CODES.get(error.status_code, "bad_request")
    return ApiError(error.status_code, code, error.detail, headers=error.headers)


def from_validation(problems: Sequence[Mapping[str, Any]]) -> ApiError:
    """Return the first of the problems that the models found; `field` is its path, such as `contacts.3.phone`."""
    first = problems[0]
    if first["type"] == "json_invalid":
        return ApiError(400, "invalid_json", f"the body is not JSON: {first['ctx']['error']}", "body")
    place, *path = (str(part) for part in first["loc"])
    field = ".".join(path) or place
    message = str(first["msg"]).removeprefix("Value error, ")
    if field == "body":
        message += "; send a JSON object with Content-Type: application/json"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return ApiError(422, "invalid", f"{field}: {message}{more}", field)


def unavailable() -> ApiError:
    """Return the error for a Postgres that is unavailable or too slow; nothing was changed."""
    message = "the database does not answer; nothing was changed, try again"
    return ApiError(503, "unavailable", message, headers={"Retry-After": "2"})


def envelope(error: ApiError) -> JSONResponse:
    body = {"error": {"code": error.code, "message": error.detail, "field": error.field}}
    return JSONResponse(body, error.status_code, dict(error.headers or {}))
