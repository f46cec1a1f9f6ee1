"""A server that answers as a gateway's documentation says, and only the calls that a test expects."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer

from services.inbound.poll.api_keys import GatewayAccount
from services.inbound.poll.client import ApiConnections, GatewayApi
from services.inbound.poll.credentials import API_CREDENTIALS

Respond = Callable[[web.Request, bytes], web.Response]


class Seen(NamedTuple):
    """A call that came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: bytes


@asynccontextmanager
async def stub(respond: Respond) -> AsyncIterator[tuple[str, list[Seen]]]:
    """Run a server; yield its address and the calls that came."""
    seen: list[Seen] = []

    async def handle(request: web.Request) -> web.Response:
        content = await request.read()
        seen.append(Seen(request.method, request.path, dict(request.query), dict(request.headers), content))
        return respond(request, content)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/"), seen
    finally:
        await server.close()


@asynccontextmanager
async def api_of(gateway: str, credential: dict[str, Any], address: str) -> AsyncIterator[GatewayApi]:
    """Lend the API of an account at a gateway that is at `address`."""
    connections = ApiConnections()
    given = API_CREDENTIALS[gateway].model_validate({**credential, "base_url": address})
    try:
        yield GatewayApi(GatewayAccount("acme", gateway, given), connections)
    finally:
        await connections.close()
