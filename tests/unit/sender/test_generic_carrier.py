"""The generic carrier against a real HTTP server: whether a byte was written decides what may happen next."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from services.sender.carriers.carrier import Accepted, NotCalled, Unknown
from services.sender.carriers.client import CarrierClient
from services.sender.carriers.generic import GenericAdapter
from shared.events.outbound import MessageRequested
from shared.suppressions.fence_pass import boottime

ASKED = MessageRequested(
    account_id="acme", message_id="m-1", list_id=7, phone="+14155550100", sender_number="ACME", body="Hi é. STOP ends"
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def calling(url: str, call_seconds: float = 5) -> AsyncIterator[CarrierClient]:
    adapter = GenericAdapter.model_construct(carrier_url=url, carrier_token=SecretStr("secret"))
    carrier = CarrierClient(adapter, 2, call_seconds)
    yield carrier
    await carrier.close()


def soon() -> float:
    return boottime() + 1


class Server:
    """Takes every request and answers as it is asked to."""

    def __init__(self, answer: Callable[[web.Request], web.StreamResponse]) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self._answer = answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path, await request.read()))
        assert request.headers["Authorization"] == "Bearer secret"
        return self._answer(request)


def accept(_: web.Request) -> web.Response:
    return web.json_response({"carrier_message_id": "c-1"})


async def test_the_message_is_posted_with_our_id_to_be_given_back() -> None:
    server = Server(accept)
    async with serving(server.handle) as url, calling(f"{url}/") as carrier:
        assert await carrier.send(ASKED, soon()) == Accepted("c-1")
    ((method, path, body),) = server.requests
    assert (method, path) == ("POST", "/v1/messages")
    assert json.loads(body) == {
        "message_id": "m-1",
        "account_id": "acme",
        "to": "+14155550100",
        "from": "ACME",
        "body": "Hi é. STOP ends",
        "custom_string": "m-1",
    }


async def test_a_carrier_that_nobody_listens_for_was_not_called() -> None:
    async with serving(Server(accept).handle) as url:
        pass
    async with calling(url) as carrier:
        assert isinstance(await carrier.send(ASKED, soon()), NotCalled)


async def test_a_decision_that_is_too_old_calls_nobody() -> None:
    server = Server(accept)
    async with serving(server.handle) as url, calling(url) as carrier:
        assert isinstance(await carrier.send(ASKED, boottime()), NotCalled)
    assert server.requests == []


@pytest.mark.parametrize("warm", [False, True])
async def test_a_decision_that_grew_too_old_with_the_connection_in_hand_writes_nothing(
    warm: bool,  # noqa: FBT001 (a case)
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the process was frozen between the look at the clock and the write."""
    server = Server(accept)
    async with serving(server.handle) as url, calling(url) as carrier:
        if warm:
            await carrier.send(ASKED, soon())
        connect = aiohttp.TCPConnector.connect

        async def slow_connect(*arguments: Any, **options: Any) -> Any:
            connection = await connect(*arguments, **options)
            monkeypatch.setattr("services.sender.carriers.write_deadline.boottime", lambda: write_by)
            return connection

        write_by = soon()
        monkeypatch.setattr(aiohttp.TCPConnector, "connect", slow_connect)
        assert isinstance(await carrier.send(ASKED, write_by), NotCalled)
    assert len(server.requests) == int(warm)


async def test_a_connection_that_takes_too_long_is_given_up_unused() -> None:
    async with calling("http://127.0.0.1:9") as carrier:

        async def never(*_: Any, **__: Any) -> Any:
            await asyncio.Event().wait()

        carrier._session.connector._create_connection = never
        write_by = boottime() + 0.05
        assert isinstance(await carrier.send(ASKED, write_by), NotCalled)
        assert boottime() < write_by + 1


async def test_a_redirect_is_not_followed_for_that_would_be_a_second_call() -> None:
    server = Server(lambda _: web.Response(status=307, headers={"Location": "/v1/messages"}))
    async with serving(server.handle) as url, calling(url) as carrier:
        assert isinstance(await carrier.send(ASKED, soon()), Unknown)
    assert len(server.requests) == 1


async def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_open_and_is_not_tried_again() -> None:
    def drop(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    server = Server(drop)
    async with serving(server.handle) as url, calling(url) as carrier:
        assert isinstance(await carrier.send(ASKED, soon()), Unknown)
    assert len(server.requests) == 1


async def test_a_carrier_that_does_not_answer_in_time_leaves_the_outcome_open() -> None:
    async def silent(_: web.Request) -> web.Response:
        await asyncio.sleep(5)  # a carrier that does not answer: longer than the deadline under test
        return web.Response()

    async with serving(silent) as url, calling(url, call_seconds=0.1) as carrier:
        assert isinstance(await carrier.send(ASKED, soon()), Unknown)
