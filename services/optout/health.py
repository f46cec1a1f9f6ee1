"""Health and metrics of a process that works with the database `optout`."""

import asyncio
from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.optout.record.connection import AWAY

_READY_SECONDS = 2.0


def add_health(app: FastAPI, *, not_ready: Callable[[], str | None]) -> None:
    """Add the routes; the process is ready where Postgres answers and `not_ready` gives no reason."""

    async def ready(request: Request) -> Response:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await request.app.state.pool.fetchval("SELECT 1")
        except AWAY as error:
            return _text(f"not ready: Postgres is away: {error!r}", 503)
        reason = not_ready()
        return _text("ready", 200) if reason is None else _text(f"not ready: {reason}", 503)

    app.add_api_route("/health/live", _live, include_in_schema=False)
    app.add_api_route("/health/ready", ready, include_in_schema=False)
    app.add_api_route("/metrics", _metrics, include_in_schema=False)


def _text(text: str, status: int) -> Response:
    return Response(text, status, None, "text/plain")


async def _live() -> dict[str, str]:
    return {"status": "live"}


async def _metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
