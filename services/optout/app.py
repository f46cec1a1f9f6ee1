"""The opt-out pipeline as a process: it decides; over HTTP it shows only health and metrics."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from services.optout.health import add_health
from services.optout.pipeline.pipeline import Pipeline
from services.optout.prepare import prepared
from services.optout.running import running_beside
from services.optout.settings import OptOutSettings
from shared.errors import MisconfiguredError
from shared.kafka_probe import KafkaProbe
from shared.postgres_probe import PostgresProbe
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OPT_OUT_EVENTS, PARKED_MESSAGES, SUPPRESSIONS

PIPELINE_TOPICS = (INBOUND_MESSAGES, SUPPRESSIONS, OPT_OUT_EVENTS, DELIVERY_EVENTS, PARKED_MESSAGES)
"""What the pipeline reads and writes: without one of them nothing is decided."""


def create_app(settings: OptOutSettings) -> FastAPI:
    """Build the application; its lifespan connects, checks the topics and runs the pipeline."""
    app = FastAPI(title="Stopline pipeline", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    app.state.kafka = KafkaProbe(settings.kafka, PIPELINE_TOPICS)
    app.state.postgres = PostgresProbe(settings.optout_database_url.get_secret_value())
    add_health(app, app.state.kafka.problem, app.state.postgres.problem, lambda: _undecided(app.state.pipeline))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: OptOutSettings = app.state.settings
    async with AsyncExitStack() as stack:
        try:
            for probe in (app.state.kafka, app.state.postgres):
                stack.push_async_callback(probe.close)
            app.state.pool = await stack.enter_async_context(prepared(settings, settings.pipeline_connections))
            app.state.pipeline = Pipeline(settings, app.state.pool)
            await stack.enter_async_context(running_beside(app, app.state.pipeline.run(), "pipeline"))
        except MisconfiguredError as error:
            app.state.misconfigured = str(error)
            app.state.stop()
        yield


async def _undecided(pipeline: Pipeline) -> str | None:
    """Say which partitions that are ours are not being decided, and why; None where all are."""
    return pipeline.trouble()
