"""The dashboard over HTTP: its pages, signing in, its files, its health."""

from fastapi import FastAPI
from starlette.responses import RedirectResponse, Response

from services.dashboard import sign_in, static_files
from services.dashboard.errors import add_error_pages
from services.dashboard.forms import FormLimit
from services.dashboard.headers import SecurityHeaders
from services.dashboard.pages import PAGES
from services.dashboard.runtime import Runtime, running
from services.dashboard.settings import DashboardSettings
from shared.http import Lifecycle, add_health


def create_app(settings: DashboardSettings) -> FastAPI:
    """Build the application; it connects to the API with the first page."""
    lifecycle: Lifecycle[Runtime] = Lifecycle()
    lifespan = lifecycle.lifespan(running(settings, lifecycle.stopping))
    app = FastAPI(title="Stopline dashboard", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(FormLimit)
    app.add_middleware(SecurityHeaders, is_https=settings.is_https)
    add_error_pages(app)
    add_health(app, lifecycle)
    app.include_router(static_files.routes)
    app.include_router(sign_in.routes)
    for routes in PAGES:
        app.include_router(routes)
    app.add_api_route("/", _first_page)
    return app


async def _first_page() -> Response:
    return RedirectResponse("/overview", 303)
