"""The pages of opt-out links over HTTP: `GET` shows a page and changes nothing, the `POST` of its button opts out."""

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from services.optout.links.answer import LinkPages
from services.optout.links.runtime import Runtime, running
from services.optout.links.settings import LinksSettings
from shared.http import Lifecycle, add_health


def create_app(settings: LinksSettings) -> FastAPI:
    """Build the application; its lifespan connects and checks the topics."""
    lifecycle: Lifecycle[Runtime] = Lifecycle()
    lifespan = lifecycle.lifespan(running(settings, lifecycle.end))
    app = FastAPI(title="Stopline links", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    add_health(app, lifecycle)
    pages = LinkPages(lifecycle)
    app.router.routes += [
        Route("/{token}", pages.show, methods=["GET"]),  # and HEAD
        Route("/{token}", pages.press, methods=["POST"]),
    ]

    async def not_found(request: Request, _: Exception) -> Response:
        return pages.unknown(request)

    app.add_exception_handler(404, not_found)
    return app
