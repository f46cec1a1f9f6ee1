"""The pages of opt-out links over HTTP: `GET` shows a page and changes nothing, the `POST` of its button opts out.

Links are dispatched here and not by FastAPI's router, whose layers take half as long as a page does (decision 30). It
has what is left: the health of the service, and addresses that are none.
"""

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.optout.links.answer import LinkPages
from services.optout.links.runtime import Runtime, running
from services.optout.links.settings import LinksSettings
from shared.http import Lifecycle, add_health


class LinkApp(FastAPI):
    """A FastAPI application that dispatches `/{token}` itself."""

    def __init__(self, lifecycle: Lifecycle[Runtime], settings: LinksSettings) -> None:
        lifespan = lifecycle.lifespan(running(settings, lifecycle.end))
        super().__init__(title="Stopline links", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
        pages = LinkPages(lifecycle)
        self._handlers = {"GET": pages.show, "HEAD": pages.show, "POST": pages.press}

        async def not_found(request: Request, _: Exception) -> Response:
            return pages.unknown(request)

        self.add_exception_handler(404, not_found)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._handlers.get(scope["method"]) if scope["type"] == "http" else None
        token = scope["path"].removeprefix("/") if handler is not None else ""
        if handler is None or not token or "/" in token:
            await super().__call__(scope, receive, send)
            return
        scope["path_params"] = {"token": token}
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)


def create_app(settings: LinksSettings) -> FastAPI:
    """Build the application; its lifespan connects and checks the topics."""
    lifecycle: Lifecycle[Runtime] = Lifecycle()
    app = LinkApp(lifecycle, settings)
    add_health(app, lifecycle)
    return app
