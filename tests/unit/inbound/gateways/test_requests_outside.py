"""Requests to addresses outside: no redirect, not too long, not too slow, and what came is kept for a while."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.inbound import outside
from services.inbound.limits import MAX_CERTIFICATE_BYTES, MAX_CERTIFICATES_KEPT, MAX_FETCHES_AT_ONCE
from services.inbound.outside import Outside, OutsideResponse, get
from shared.errors import TransientError

PEM = b"-----BEGIN CERTIFICATE-----"


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound("/certificate.pem")

    async def certificate(_: web.Request) -> web.Response:
        return web.Response(body=PEM)

    async def long(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * (MAX_CERTIFICATE_BYTES + 1))

    app = web.Application()
    app.add_routes(
        [web.get("/redirect.pem", redirect), web.get("/certificate.pem", certificate), web.get("/long.pem", long)]
    )
    async with TestServer(app) as running:
        yield running


class Stub:
    """Responses by address, and the addresses that were asked."""

    def __init__(self, **responses: OutsideResponse) -> None:
        self.responses = responses
        self.asked: list[str] = []

    async def get(self, address: str) -> OutsideResponse:
        self.asked.append(address)
        await asyncio.sleep(0)
        return self.responses.get(address, OutsideResponse(200, PEM))


async def test_a_certificate_is_fetched_and_a_redirect_is_not_followed(server: TestServer) -> None:
    base = str(server.make_url("/"))
    assert await Outside().certificate(f"{base}certificate.pem") == PEM
    assert await Outside().certificate(f"{base}no.pem") is None
    with pytest.raises(TransientError, match="302"):
        await Outside().certificate(f"{base}redirect.pem")
    with pytest.raises(TransientError, match="302"):
        await Outside().visit(f"{base}redirect.pem")


async def test_a_response_that_is_too_long_is_not_read_to_its_end(server: TestServer) -> None:
    with pytest.raises(TransientError, match=f"more than {MAX_CERTIFICATE_BYTES}"):
        await get(str(server.make_url("/long.pem")))


async def test_nobody_there_is_a_reason_to_be_posted_again() -> None:
    with pytest.raises(TransientError):
        await Outside().certificate("http://127.0.0.1:1/certificate.pem")


async def test_a_response_that_does_not_come_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "OUTSIDE_SECONDS", 0.01)

    async def never(_: str) -> OutsideResponse:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(TransientError, match="did not respond"):
        await Outside(never).certificate("a.pem")
    with pytest.raises(TransientError, match="not visited"):
        await Outside(never).visit("a")


async def test_posts_that_come_together_fetch_a_certificate_once() -> None:
    stub = Stub()
    fetched = Outside(stub.get)
    # As many as may fetch at once would all fetch it; the others find it.
    assert set(await asyncio.gather(*(fetched.certificate("a.pem") for _ in range(50)))) == {PEM}
    assert len(stub.asked) <= MAX_FETCHES_AT_ONCE
    asked = len(stub.asked)
    assert await fetched.certificate("a.pem") == PEM
    assert len(stub.asked) == asked


@pytest.mark.parametrize("absent", [OutsideResponse(404, b""), OutsideResponse(200, b"<html>Sign in</html>")])
async def test_that_there_is_no_certificate_is_kept_for_a_minute_and_an_outage_is_not(absent: OutsideResponse) -> None:
    now = [0.0]
    stub = Stub(none=absent, outage=OutsideResponse(500, b""))
    fetched = Outside(stub.get, lambda: now[0])
    for _ in range(2):
        assert await fetched.certificate("none") is None
        with pytest.raises(TransientError):
            await fetched.certificate("outage")
    assert stub.asked == ["none", "outage", "outage"]
    now[0] += 61
    assert await fetched.certificate("none") is None
    assert stub.asked.count("none") == 2


async def test_the_oldest_of_too_many_certificates_goes() -> None:
    stub = Stub()
    fetched = Outside(stub.get)
    for number in range(MAX_CERTIFICATES_KEPT + 1):
        await fetched.certificate(str(number))
    assert len(fetched._kept) == MAX_CERTIFICATES_KEPT
    await fetched.certificate("0")
    assert stub.asked.count("0") == 2


async def test_addresses_without_a_certificate_take_no_place_of_one() -> None:
    names = [str(number) for number in range(2 * MAX_CERTIFICATES_KEPT)]
    stub = Stub(**dict.fromkeys(names, OutsideResponse(404, b"")))
    fetched = Outside(stub.get)
    for name in ("right", *names, "right"):
        await fetched.certificate(name)
    assert (stub.asked.count("right"), len(fetched._kept)) == (1, MAX_CERTIFICATES_KEPT)


async def test_a_confirmation_that_fails_is_tried_again_by_the_next_post() -> None:
    stub = Stub(refused=OutsideResponse(403, b""))
    with pytest.raises(TransientError, match="403"):
        await Outside(stub.get).visit("refused")
    await Outside(stub.get).visit("right")
