"""The customer API: the routes that customers call over HTTP.

All that a customer can make large runs with it (`runtime.py`), in a process of its own: nothing of it delays the
pipeline.
"""

from fastapi import FastAPI

from services.optout.api.openapi import serve_documents
from services.optout.api.routes import api_routes
from services.optout.api.runtime import Runtime, running
from services.optout.api.settings import ApiSettings
from shared.http import Lifecycle, add_health


def create_app(settings: ApiSettings) -> FastAPI:
    """Build the application; its lifespan connects and checks the topics."""
    lifecycle: Lifecycle[Runtime] = Lifecycle()
    lifespan = lifecycle.lifespan(running(settings, lifecycle.end))
    app = FastAPI(title="Stopline customer API", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    serve_documents(app)
    app.include_router(api_routes)
    add_health(app, lifecycle, include_in_schema=False)
    return app
