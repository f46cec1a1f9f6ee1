"""The opt-out pipeline as a process: it decides; over HTTP it shows only health and metrics."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from services.optout.health import add_health
from services.optout.pipeline.pipeline import Pipeline
from services.optout.prepare import prepared
from services.optout.running import running_beside
from services.optout.settings import Settings
from shared.errors import MisconfiguredError


def create_app(settings: Settings) -> FastAPI:
    """Build the application; its lifespan connects, checks the topics and runs the pipeline."""
    app = FastAPI(title="Stopline pipeline", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    add_health(app, not_ready=lambda: _not_ready(app.state.pipeline))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    async with AsyncExitStack() as stack:
        try:
            app.state.pool = await stack.enter_async_context(prepared(settings, settings.pipeline_connections))
            app.state.pipeline = Pipeline(settings, app.state.pool)
            await stack.enter_async_context(running_beside(app, app.state.pipeline.run(), "pipeline"))
        except MisconfiguredError as error:
            app.state.misconfigured = str(error)
            app.state.stop()
        yield


def _not_ready(pipeline: Pipeline) -> str | None:
    """Say which partitions that are ours are not being decided; None where all are."""
    return None if pipeline.ready else f"partitions {pipeline.states()}"
