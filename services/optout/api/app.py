"""The customer API: what customers ask for over HTTP, their simulations, and the calls to their addresses.

All that a customer can make large is here, in a process of its own: nothing of it delays the pipeline.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.optout.api.logins import Logins
from services.optout.api.openapi import document
from services.optout.api.requests import Requests
from services.optout.api.routes import api_routes
from services.optout.api.settings import ApiSettings
from services.optout.customer_webhooks.deliver import Deliverer
from services.optout.health import add_health
from services.optout.prepare import prepared
from services.optout.running import running_beside
from services.optout.simulation.run import Simulations
from shared.errors import MisconfiguredError
from shared.kafka_probe import KafkaProbe
from shared.postgres_probe import PostgresProbe
from shared.topics import INBOUND_MESSAGES


def create_app(settings: ApiSettings) -> FastAPI:
    """Build the application; its lifespan connects and checks the topics."""
    app = FastAPI(title="Stopline customer API", lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.kafka = KafkaProbe(settings.kafka, (INBOUND_MESSAGES,))
    app.state.postgres = PostgresProbe(settings.optout_database_url.get_secret_value())
    app.state.logins = Logins()
    app.include_router(api_routes)
    app.openapi = partial(document, app)  # type: ignore[method-assign]  # FastAPI documents it so
    add_health(app, app.state.kafka.problem, app.state.postgres.problem)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: ApiSettings = app.state.settings
    async with AsyncExitStack() as stack:
        try:
            for probe in (app.state.kafka, app.state.postgres):
                stack.push_async_callback(probe.close)
            app.state.requests = Requests(settings.kafka, settings.partitions)
            stack.push_async_callback(app.state.requests.close)
            app.state.pool = await stack.enter_async_context(prepared(settings, settings.database_connections))
            app.state.simulations = Simulations(app.state.pool)
            stack.push_async_callback(app.state.simulations.close)
            deliverer = Deliverer(app.state.pool, settings.webhook_keys, settings.called_ports)
            await stack.enter_async_context(running_beside(app, deliverer.run(), "webhooks"))
        except MisconfiguredError as error:
            app.state.misconfigured = str(error)
            app.state.stop()
        yield
