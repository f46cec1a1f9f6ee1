"""The opt-out service: the customer API, health and metrics over HTTP, the pipeline beside them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiokafka.errors import KafkaError
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.optout.api import api_routes
from services.optout.pipeline.pipeline import Pipeline
from services.optout.record.connection import AWAY, Pool, open_pool
from services.optout.settings import Settings
from shared.errors import MisconfiguredError, TransientError
from shared.migrations import migrate
from shared.topics import check_topics

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
_START_SECONDS = 60.0
_RETRY_SECONDS = 0.5


def create_app(settings: Settings) -> FastAPI:
    """Build the application; its lifespan connects, checks the topics and runs the pipeline."""
    app = FastAPI(title="Stopline customer API", lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.include_router(api_routes)
    app.add_api_route("/health/live", _live, include_in_schema=False)
    app.add_api_route("/health/ready", lambda: _ready(app), include_in_schema=False)
    app.add_api_route("/metrics", _metrics, include_in_schema=False)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    try:
        pool = await _prepare(settings)
    except MisconfiguredError as error:
        app.state.misconfigured = str(error)
        app.state.stop()
        yield
        return
    app.state.pool = pool
    async with _running_pipeline(app, pool):
        yield
    with suppress(TimeoutError, *AWAY):
        await asyncio.wait_for(pool.close(), _RETRY_SECONDS)
    pool.terminate()


@asynccontextmanager
async def _running_pipeline(app: FastAPI, pool: Pool) -> AsyncIterator[None]:
    app.state.pipeline = Pipeline(app.state.settings, pool)
    task = asyncio.create_task(app.state.pipeline.run(), name="pipeline")
    task.add_done_callback(lambda done: _end(app, done))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _prepare(settings: Settings) -> Pool:
    """Wait for Postgres and Kafka, run the migrations, check the topics."""
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                try:
                    return await _prepare_once(settings)
                except (TransientError, KafkaError, *AWAY) as error:
                    log.warning("waiting for Postgres and Kafka: %s", error)
                    await asyncio.sleep(_RETRY_SECONDS)
    except TimeoutError:
        raise MisconfiguredError(
            f"Postgres (STOPLINE_OPTOUT_DATABASE_URL) or Kafka (STOPLINE_KAFKA_BOOTSTRAP) did not answer"
            f" within {_START_SECONDS:.0f} s"
        ) from None


async def _prepare_once(settings: Settings) -> Pool:
    await check_topics(settings)
    pool = await open_pool(settings.optout_database_url.get_secret_value(), settings.database_connections)
    async with pool.acquire() as connection:
        for name in await migrate(connection, MIGRATIONS):
            log.info("migrated: %s", name)
    return pool


def _end(app: FastAPI, task: "asyncio.Task[None]") -> None:
    """Stop the process where the pipeline met a bug: the offset is kept, and whoever supervises us is told."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.critical("the pipeline stopped: %r", error, exc_info=error)
        app.state.failed = repr(error)
        app.state.stop()


async def _live() -> dict[str, str]:
    return {"status": "live"}


def _ready(app: FastAPI) -> Response:
    pipeline: Pipeline = app.state.pipeline
    return Response(
        "ready" if pipeline.ready else f"not ready: {pipeline.states()}",
        200 if pipeline.ready else 503,
        None,
        "text/plain",
    )


def _metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
