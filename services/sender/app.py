"""The sender over HTTP: health and metrics; its lifespan runs the sender."""

from functools import partial

from fastapi import FastAPI

from services.sender.readiness import Runtime
from services.sender.runtime import running
from services.sender.settings import SenderSettings
from shared.http import Lifecycle, add_health, as_text


def create_app(settings: SenderSettings) -> FastAPI:
    """Build the application; its lifespan connects, checks the topics and runs the sender."""
    lifecycle: Lifecycle[Runtime] = Lifecycle()
    lifespan = lifecycle.lifespan(running(settings, lifecycle.end))
    app = FastAPI(title="Stopline sender", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    add_health(app, lifecycle, partial(as_text, prefix=""))  # monitors read the problem alone here
    return app
