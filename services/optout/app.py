"""The opt-out service: the customer API, health and metrics over HTTP, the pipeline beside them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.optout.api import api_routes
from services.optout.api.requests import Requests
from services.optout.pipeline.pipeline import Pipeline
from services.optout.prepare import prepared
from services.optout.record.connection import AWAY, close_pool, open_pool
from services.optout.settings import Settings
from services.optout.simulation.run import Simulations
from services.optout.webhooks.deliver import Deliverer
from shared.errors import MisconfiguredError

log = logging.getLogger(__name__)

_READY_SECONDS = 2.0


def create_app(settings: Settings) -> FastAPI:
    """Build the application; its lifespan connects, checks the topics and runs the pipeline."""
    app = FastAPI(title="Stopline customer API", lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.include_router(api_routes)
    app.add_api_route("/health/live", _live, include_in_schema=False)
    app.add_api_route("/health/ready", _ready, include_in_schema=False)
    app.add_api_route("/metrics", _metrics, include_in_schema=False)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        try:
            settings: Settings = app.state.settings
            app.state.requests = Requests(settings.kafka, settings.partitions)
            stack.push_async_callback(app.state.requests.close)
            app.state.pool = await stack.enter_async_context(prepared(app.state.settings))
            await stack.enter_async_context(_delivering_webhooks(app))
            app.state.simulations = Simulations(app.state.pool)
            stack.push_async_callback(app.state.simulations.close)
            app.state.pipeline = await stack.enter_async_context(_running_pipeline(app))
        except MisconfiguredError as error:
            app.state.misconfigured = str(error)
            app.state.stop()
        yield


@asynccontextmanager
async def _running_pipeline(app: FastAPI) -> AsyncIterator[Pipeline]:
    """Run the pipeline, on connections of its own: a busy API does not hold up a STOP."""
    settings: Settings = app.state.settings
    pool = await open_pool(settings.optout_database_url.get_secret_value(), settings.pipeline_connections)
    pipeline = Pipeline(settings, pool)
    task = asyncio.create_task(pipeline.run(), name="pipeline")
    task.add_done_callback(lambda done: _end(app, done))
    try:
        yield pipeline
    finally:
        task.cancel()
        await asyncio.wait([task])
        await close_pool(pool)


@asynccontextmanager
async def _delivering_webhooks(app: FastAPI) -> AsyncIterator[None]:
    deliverer = Deliverer(app.state.pool, app.state.settings.webhook_key.get_secret_value())
    task = asyncio.create_task(deliverer.run(), name="webhooks")
    task.add_done_callback(lambda done: _end(app, done))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _end(app: FastAPI, task: "asyncio.Task[None]") -> None:
    """Stop the process where the pipeline, or what is beside it, met a bug: offsets are kept, a supervisor is told."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.critical("%s stopped: %r", task.get_name(), error, exc_info=error)
        app.state.failed = repr(error)
        app.state.stop()


async def _live() -> dict[str, str]:
    return {"status": "live"}


async def _ready(request: Request) -> Response:
    """Answer 200 where every partition that is ours is being decided, and Postgres answers."""
    pipeline: Pipeline = request.app.state.pipeline
    try:
        async with asyncio.timeout(_READY_SECONDS):
            await request.app.state.pool.fetchval("SELECT 1")
    except AWAY as error:
        return Response(f"not ready: Postgres is away: {error!r}", 503, None, "text/plain")
    if not pipeline.ready:
        return Response(f"not ready: partitions {pipeline.states()}", 503, None, "text/plain")
    return Response("ready", 200, None, "text/plain")


async def _metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
