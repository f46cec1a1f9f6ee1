"""The opt-out pipeline as a process: it decides; over HTTP it shows only health and metrics."""

from fastapi import FastAPI

from services.optout.runtime import Runtime, running
from services.optout.settings import OptOutSettings
from shared.http import Lifecycle, add_health


def create_app(settings: OptOutSettings) -> FastAPI:
    """Build the application; its lifespan runs the pipeline."""
    lifecycle: Lifecycle[Runtime] = Lifecycle()
    lifespan = lifecycle.lifespan(running(settings, lifecycle.end))
    app = FastAPI(title="Stopline pipeline", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    add_health(app, lifecycle)
    return app
