"""The sandbox carrier as an aiohttp application."""

from collections.abc import AsyncIterator, Callable

from aiohttp import web

from harness.sandbox.carrier_routes import CarrierRoutes
from harness.sandbox.control_routes import ControlRoutes
from harness.sandbox.json_http import errors_as_json
from harness.sandbox.limits import MAX_REQUEST_BYTES
from harness.sandbox.message_lists import ListRoutes
from harness.sandbox.phone_routes import PhoneRoutes
from harness.sandbox.sandbox_state import SandboxState, new_state
from harness.sandbox.settings import SandboxSettings


def create_app(settings: SandboxSettings) -> web.Application:
    state = new_state(settings)
    app = web.Application(client_max_size=MAX_REQUEST_BYTES, middlewares=[errors_as_json])
    app.cleanup_ctx.append(_gateway(state))
    app.add_routes(_routes(state))
    return app


def _gateway(state: SandboxState) -> Callable[[web.Application], AsyncIterator[None]]:
    async def running(_: web.Application) -> AsyncIterator[None]:
        await state.gateway.start()
        yield
        await state.gateway.close()

    return running


def _routes(state: SandboxState) -> list[web.RouteDef]:
    carrier, phones, control = CarrierRoutes(state), PhoneRoutes(state), ControlRoutes(state)
    lists = ListRoutes(state.lists, state.settings.sandbox_token.get_secret_value())
    return [
        web.post("/v1/messages", carrier.send),
        web.get("/phones", phones.overview),
        web.delete("/phones", phones.forget),
        web.get("/phones/{phone}/messages", phones.messages),
        web.post("/phones/{phone}/replies", phones.reply),
        web.get("/v3/sms/inbound", lists.inbound),
        web.put("/v3/sms/inbound-read/{message_id}", lists.mark_read),
        web.get("/v3/automations/sms/inbound", lists.rules),
        web.post("/v3/automations/sms/inbound", lists.make_rule),
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
