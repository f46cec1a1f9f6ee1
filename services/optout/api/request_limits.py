"""The guard around every route: authentication, a limit on the body, a deadline, and the error envelope."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, ClassVar

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from services.optout.api.context import LoginCheck, login_of
from services.optout.api.errors import ApiError, envelope, from_http, from_validation, unavailable
from services.optout.api.rights import needed
from shared.errors import TransientError
from shared.postgres import POSTGRES_UNAVAILABLE

MAX_BODY_BYTES = 1024 * 1024
MAX_BODIES_BYTES = 64 * 1024 * 1024
"""Of all requests at once that are not answered yet."""
BODY_SECONDS = 10.0
REQUEST_SECONDS = 15.0
_CLOSE = {"Connection": "close"}
_MAX_DIGITS = 15


class LimitedRequest(Request):
    """A request whose body is read up to `MAX_BODY_BYTES`, within `BODY_SECONDS`, and within what all may hold."""

    held_bytes_of_all: ClassVar[int] = 0

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self._held_bytes = 0

    async def body(self) -> bytes:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await super().body()
        except TimeoutError:
            raise ApiError(408, "timeout", f"the body did not arrive within {BODY_SECONDS:.0f} s", "body") from None

    async def stream(self) -> AsyncGenerator[bytes, None]:
        declared = self.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared[:_MAX_DIGITS]) > MAX_BODY_BYTES:
            raise _too_large()
        async for chunk in super().stream():
            self._hold(len(chunk))
            yield chunk

    def _hold(self, size_bytes: int) -> None:
        self._held_bytes += size_bytes
        LimitedRequest.held_bytes_of_all += size_bytes
        if self._held_bytes > MAX_BODY_BYTES:
            raise _too_large()
        if LimitedRequest.held_bytes_of_all > MAX_BODIES_BYTES:
            raise ApiError(
                503, "unavailable", "too many large requests at once; try again", headers={"Retry-After": "2"} | _CLOSE
            )

    def forget_body(self) -> None:
        """Give back what the request's body held; it is answered."""
        LimitedRequest.held_bytes_of_all -= self._held_bytes
        self._held_bytes = 0


def _too_large() -> ApiError:
    message = f"the body is larger than {MAX_BODY_BYTES} bytes; send fewer contacts at a time"
    return ApiError(413, "too_large", message, "body", _CLOSE)


class GuardedRoute(APIRoute):
    """A route of the API; nothing of a body is read before it is known who asks, and every error has the envelope."""

    request_type: ClassVar[type[LimitedRequest]] = LimitedRequest
    seconds: ClassVar[float] = REQUEST_SECONDS

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        login = login_of(self.dependant, needed(self.path_format))

        async def guarded(request: Request) -> Response:
            limited = self.request_type(request.scope, request.receive)
            try:
                async with asyncio.timeout(self.seconds):
                    if login is not None:
                        await _logged_in(login, limited)
                    return await _with_api_errors(handle(limited))
            except ApiError as error:
                return self.error_response(error)
            except (TransientError, *POSTGRES_UNAVAILABLE):
                return self.error_response(unavailable())
            finally:
                limited.forget_body()

        return guarded

    @staticmethod
    def error_response(error: ApiError) -> Response:
        """Return the error in the envelope of the route's version of the API."""
        return envelope(error)


async def _logged_in(login: LoginCheck, request: Request) -> None:
    try:
        await login(request)
    except ApiError as error:
        if _has_body(request):
            error.headers = {**(error.headers or {}), "Connection": "close"}
        raise


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


async def _with_api_errors(response: Awaitable[Response]) -> Response:
    try:
        return await response
    except RequestValidationError as error:
        raise from_validation(error.errors()) from error
    except HTTPException as error:
        raise from_http(error) from error
