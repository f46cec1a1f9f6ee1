"""The sender's HTTP side: health; its lifespan runs the sender."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from services.sender.prepare import prepare
from services.sender.readiness import Runtime
from services.sender.runtime import running
from services.sender.settings import SenderSettings
from shared.errors import MisconfiguredError

log = logging.getLogger(__name__)


def create_app(settings: SenderSettings) -> FastAPI:
    """Build the application; its lifespan connects, checks the topics and runs the sender."""
    app = FastAPI(title="Stopline sender", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    app.add_api_route("/health/live", _live)
    app.add_api_route("/health/ready", _ready)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: SenderSettings = app.state.settings
    try:
        settings, pool = await prepare(settings)
    except MisconfiguredError as error:
        app.state.misconfigured = str(error)
        app.state.stop()
        yield
        return

    def give_up(error: BaseException) -> None:
        log.critical("the sender stops: %r", error, exc_info=error)
        app.state.failed = repr(error)
        app.state.stop()

    try:
        async with running(settings, pool, give_up) as app.state.runtime:
            yield
    finally:
        pool.terminate()


async def _live() -> dict[str, str]:
    return {"status": "live"}


async def _ready(request: Request) -> Response:
    runtime: Runtime = request.app.state.runtime
    failed = getattr(request.app.state, "failed", None)
    problems = [failed] if failed else await runtime.problems()
    return Response("; ".join(problems) or "ready", 503 if problems else 200, None, "text/plain")
