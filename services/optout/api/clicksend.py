"""ClickSend's envelope: `{"http_code", "response_code", "response_msg", "data"}` around everything, errors too.

And the name of its gateway, which an account has unless it asks for another.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.responses import Response

from services.optout.api.request_limits import GuardedRoute

_CODES = {
    400: "BAD_REQUEST", 401: "UNAUTHORIZED", 404: "NOT_FOUND", 405: "NOT_FOUND", 408: "TIMEOUT", 409: "ALREADY_EXISTS",
    413: "BAD_REQUEST", 422: "BAD_REQUEST", 429: "TOO_MANY_REQUESTS",
    503: "UNAVAILABLE",
}  # fmt: skip
_ERRORS = 400
DEFAULT_GATEWAY = "clicksend"
"""The name by which the inbound service registers ClickSend."""
PER_PAGE = 15
MAX_PER_PAGE = 100


class ClickSendRoute(GuardedRoute):
    """A route whose errors leave it in ClickSend's envelope, with the field and our code beside."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def wrapped(request: Request) -> Response:
            response = await handle(request)
            return _error(response) if response.status_code >= _ERRORS else response

        return wrapped


def _error(response: Response) -> Response:
    error = json.loads(bytes(response.body))["error"]
    body = {
        "http_code": response.status_code,
        "response_code": _CODES.get(response.status_code, "BAD_REQUEST"),
        "response_msg": error["message"],
        "data": None,
        "error": error,
    }
    kept = {name: value for name, value in response.headers.items() if name not in ("content-length", "content-type")}
    return JSONResponse(body, response.status_code, kept)


def success(message: str, data: Any) -> dict[str, Any]:
    return {"http_code": 200, "response_code": "SUCCESS", "response_msg": message, "data": data}


def paged(path: str, rows: list[Any], total: int, page: int, per_page: int) -> dict[str, Any]:
    """Return a page as ClickSend numbers them, from 1."""
    last = max(1, -(-total // per_page))
    first = (page - 1) * per_page
    return {
        "total": total,
        "per_page": per_page,
        "current_page": page,
        "last_page": last,
        "next_page_url": f"{path}?page={page + 1}" if page < last else None,
        "prev_page_url": f"{path}?page={page - 1}" if page > 1 else None,
        "from": first + 1 if rows else None,
        "to": first + len(rows) if rows else None,
        "data": rows,
    }
