"""What stands around every route: a limit on the body, a deadline, and the error envelope."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

import asyncpg
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.optout.api.errors import ApiError, envelope, from_http, from_validation, unavailable
from services.optout.record.connection import AWAY

MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 10.0
REQUEST_SECONDS = 15.0


class LimitedRequest(Request):
    """A request whose body is read up to `MAX_BODY_BYTES`, within `BODY_SECONDS`."""

    async def body(self) -> bytes:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await super().body()
        except TimeoutError:
            raise ApiError(408, "timeout", f"the body did not arrive within {BODY_SECONDS:.0f} s", "body") from None

    async def stream(self) -> AsyncGenerator[bytes, None]:
        size_bytes = 0
        async for chunk in super().stream():
            size_bytes += len(chunk)
            if size_bytes > MAX_BODY_BYTES:
                message = f"the body is larger than {MAX_BODY_BYTES} bytes; send fewer contacts at a time"
                raise ApiError(413, "too_large", message, "body", {"Connection": "close"})
            yield chunk


class GuardedRoute(APIRoute):
    """A route of the API; every error leaves it in the envelope."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    return await _with_api_errors(handle(LimitedRequest(request.scope, request.receive)))
            except ApiError as error:
                return envelope(error)
            except asyncpg.DataError:
                raise  # a value that should have been refused at the edge: trying again would not help
            except AWAY:
                return envelope(unavailable())

        return guarded


async def _with_api_errors(response: Awaitable[Response]) -> Response:
    try:
        return await response
    except RequestValidationError as error:
        raise from_validation(error.errors()) from error
    except HTTPException as error:
        raise from_http(error) from error
