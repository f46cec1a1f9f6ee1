"""Health and metrics of the opt-out service's processes."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

NotReady = Callable[[], Awaitable[str | None]]


def add_health(app: FastAPI, *not_ready: NotReady) -> None:
    """Add the routes; the process is ready where none of `not_ready` gives a reason."""

    async def ready(request: Request) -> Response:
        reasons = await asyncio.gather(*(each() for each in not_ready))
        found = "; ".join(filter(None, (getattr(request.app.state, "failed", None), *reasons)))
        return _text(f"not ready: {found}", 503) if found else _text("ready", 200)

    app.add_api_route("/health/live", _live, include_in_schema=False)
    app.add_api_route("/health/ready", ready, include_in_schema=False)


def _text(text: str, status: int) -> Response:
    return Response(text, status, None, "text/plain")


async def _live() -> dict[str, str]:
    return {"status": "live"}
