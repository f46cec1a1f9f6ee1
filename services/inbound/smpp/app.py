"""The process over HTTP: health only; its lifespan connects to Kafka and binds to the SMSCs."""

from fastapi import FastAPI

from services.inbound.smpp.runtime import Runtime, running
from services.inbound.smpp.settings import ReceiverSettings
from shared.http import Lifecycle, add_health


def create_app(settings: ReceiverSettings) -> FastAPI:
    """Build the application; its lifespan connects to Kafka, checks the topics and binds."""
    lifecycle: Lifecycle[Runtime] = Lifecycle()
    lifespan = lifecycle.lifespan(running(settings, lifecycle.end))
    app = FastAPI(title="Stopline SMPP", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    add_health(app, lifecycle)
    return app
