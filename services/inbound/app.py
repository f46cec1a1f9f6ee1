"""The inbound service over HTTP: gateways' webhooks and health; its lifespan connects to Kafka."""

from fastapi import FastAPI, Request, Response

from services.inbound import responses
from services.inbound.documentation import webhook_handlers, webhook_routes
from services.inbound.fast_route import WebhookApp
from services.inbound.runtime import Runtime, running
from services.inbound.settings import InboundSettings
from shared.http import Lifecycle, add_health, as_json


def create_app(settings: InboundSettings) -> FastAPI:
    """Build the application; its lifespan connects to Kafka and checks the topics."""
    lifecycle: Lifecycle[Runtime] = Lifecycle()
    messages, receipts = webhook_handlers(settings, lifecycle)
    lifespan = lifecycle.lifespan(running(settings, lifecycle.end))
    # No page to try the webhooks on: whoever opened it would publish messages that nobody wrote.
    app = WebhookApp(messages, receipts, title="Stopline inbound", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.router.routes += webhook_routes(messages, receipts)
    add_health(app, lifecycle, as_json, tags=["operators"], response_model=dict[str, str])
    app.add_exception_handler(404, _not_found)
    return app


async def _not_found(_: Request, __: Exception) -> Response:
    return Response(responses.NOT_FOUND.body, responses.NOT_FOUND.status, media_type="application/json")
