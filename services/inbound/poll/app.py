"""The process over HTTP: health only; its lifespan connects to Kafka and starts asking."""

from fastapi import FastAPI

from services.inbound.poll.runtime import Runtime, running
from services.inbound.poll.settings import PollSettings
from shared.http import Lifecycle, add_health


def create_app(settings: PollSettings) -> FastAPI:
    """Build the application; its lifespan connects to Kafka and checks the topics."""
    lifecycle: Lifecycle[Runtime] = Lifecycle()
    lifespan = lifecycle.lifespan(running(settings, lifecycle.end))
    app = FastAPI(title="Stopline poll", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    add_health(app, lifecycle)
    return app
