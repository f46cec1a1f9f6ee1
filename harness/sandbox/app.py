"""The sandbox carrier as an aiohttp application."""

from collections.abc import AsyncIterator, Callable

from aiohttp import web

from harness.sandbox.answers import errors_as_json
from harness.sandbox.carrier import Carrier
from harness.sandbox.control import Control
from harness.sandbox.limits import MAX_REQUEST_BYTES
from harness.sandbox.people import People
from harness.sandbox.settings import SandboxSettings
from harness.sandbox.world import World, new_world


def create_app(settings: SandboxSettings) -> web.Application:
    world = new_world(settings)
    app = web.Application(client_max_size=MAX_REQUEST_BYTES, middlewares=[errors_as_json])
    app.cleanup_ctx.append(_gateway(world))
    app.add_routes(_routes(world))
    return app


def _gateway(world: World) -> Callable[[web.Application], AsyncIterator[None]]:
    async def running(_: web.Application) -> AsyncIterator[None]:
        await world.gateway.start()
        yield
        await world.gateway.close()

    return running


def _routes(world: World) -> list[web.RouteDef]:
    carrier, people, control = Carrier(world), People(world), Control(world)
    return [
        web.post("/v1/messages", carrier.send),
        web.get("/phones", people.overview),
        web.delete("/phones", people.forget),
        web.get("/phones/{phone}/messages", people.messages),
        web.post("/phones/{phone}/replies", people.reply),
        web.get("/faults", control.get_faults),
        web.put("/faults", control.put_faults),
        web.put("/accounts/{account_id}", control.put_account),
        web.get("/calls", control.calls),
        web.delete("/calls", control.forget_calls),
        web.get("/webhooks", control.webhooks),
        web.delete("/webhooks", control.forget_webhooks),
        web.get("/health/live", control.health),
        web.get("/health/ready", control.health),
    ]
