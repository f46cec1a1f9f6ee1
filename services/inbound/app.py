"""The application: built from settings, connected by its lifespan."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from services.inbound import responses
from services.inbound.front import WebhookApp
from services.inbound.kafka_link import KafkaLink
from services.inbound.publish import Publisher
from services.inbound.routes import operator_routes, webhook_handlers, webhook_routes
from services.inbound.settings import InboundSettings


def create_app(settings: InboundSettings) -> FastAPI:
    """Return the application, to be run by `shared.service.run_service`."""

    def give_up(error: Exception) -> None:
        app.state.misconfigured = str(error)
        app.state.stop()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await link.start()
        gc.collect()
        gc.freeze()  # what the imports left is never garbage; looking through it took a tenth of the CPU of a webhook
        yield
        await link.stop()

    link = KafkaLink(settings, give_up)
    messages, receipts = webhook_handlers(settings, Publisher(link))
    # No page to try the webhooks on: whoever opened it would publish messages that nobody wrote.
    app = WebhookApp(messages, receipts, title="Stopline inbound", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.router.routes += webhook_routes(messages, receipts)
    app.include_router(operator_routes(link))
    app.add_exception_handler(404, _not_found)
    return app


async def _not_found(_: Request, __: Exception) -> Response:
    return Response(responses.NOT_FOUND.body, responses.NOT_FOUND.status, media_type="application/json")
