"""The page of phones as an aiohttp application."""

from collections.abc import AsyncIterator, Callable

from aiohttp import web

from harness.phones.limits import MAX_REQUEST_BYTES
from harness.phones.page import PhonesPage
from harness.phones.routes import RUNNING, PageRoutes
from harness.phones.running import running
from harness.phones.settings import PhonesSettings


def create_app(settings: PhonesSettings) -> web.Application:
    routes = PageRoutes(PhonesPage())
    app = web.Application(client_max_size=MAX_REQUEST_BYTES, middlewares=[routes.guarded])
    app.cleanup_ctx.append(_parts(settings))
    app.add_routes(routes.all())
    return app


def _parts(settings: PhonesSettings) -> Callable[[web.Application], AsyncIterator[None]]:
    async def with_parts(app: web.Application) -> AsyncIterator[None]:
        async with running(settings) as parts:
            app[RUNNING] = parts
            yield

    return with_parts
