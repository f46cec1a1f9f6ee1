"""The dashboard against odd clients: nobody takes what others need, and no error leads anywhere that is not ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import FastAPI

from services.dashboard import limits
from services.dashboard.api import ApiServer, SessionApi
from services.dashboard.app import create_app
from services.dashboard.at_once import AtOnce
from services.dashboard.headers import ALWAYS
from services.dashboard.refusals import PageError
from services.dashboard.settings import DashboardSettings
from shared.http import lifecycle_of

WHO = {"account_id": "acme", "account_name": "Acme", "user": "ann", "role": "operate", "is_account": False}
HERE = "http://localhost:8090"
SIGNED_IN = {"Cookie": "stopline-session-8090=mine"}


async def _session(request: web.Request) -> web.Response:
    return web.json_response(WHO, status=200 if request.headers["Authorization"] == "Bearer mine" else 401)


async def _refused(_: web.Request) -> web.Response:
    error = {"code": "forbidden", "message": "only who has access_contacts may do this"}
    return web.json_response({"error": error}, status=403)


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"data: {}\n\n")
    await asyncio.Event().wait()
    return answer


@asynccontextmanager
async def api() -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/v1/session", _session)
    app.router.add_get("/v1/opt-outs", _refused)
    app.router.add_get("/v1/live", _endless)
    app.router.add_get("/v1/export", _endless)
    server = TestServer(app, shutdown_timeout=0)
    await server.start_server()
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def dashboard() -> AsyncIterator[tuple[httpx.AsyncClient, FastAPI]]:
    async with api() as server:
        app = create_app(DashboardSettings(api_url=str(server.make_url("")).rstrip("/"), http_port=8090))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            yield client, app


async def test_pages_are_answered_however_many_downloads_are_read_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.dashboard.api.API_CONNECTIONS", 2)
    async with api() as server, AsyncExitStack() as downloads:
        asked = ApiServer(str(server.make_url("")).rstrip("/"))
        downloads.push_async_callback(asked.close)
        async with asyncio.timeout(5):
            for _ in range(5):
                await downloads.enter_async_context(SessionApi(asked, "mine").file("/v1/export"))
            assert await SessionApi(asked, "mine").get("/v1/session") == WHO


async def test_pages_are_answered_however_many_browsers_follow_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.dashboard.api.API_CONNECTIONS", 2)
    async with api() as server:
        asked = ApiServer(str(server.make_url("")).rstrip("/"))
        feeds = [SessionApi(asked, "mine").events("/v1/live") for _ in range(5)]
        try:
            async with asyncio.timeout(5):
                for feed in feeds:
                    await anext(feed)
                assert await SessionApi(asked, "mine").get("/v1/session") == WHO
        finally:
            for feed in feeds:
                await feed.aclose()
            await asked.close()


def test_one_account_cannot_take_the_places_of_all_others() -> None:
    places = AtOnce(10, 2, "live pages")
    with places.counted("acme"), places.counted("acme"):
        with pytest.raises(PageError):
            places.check("acme")
        places.check("globex")
    places.check("acme")
    assert places.count == 0


@pytest.mark.parametrize("cookie", [{}, {"Cookie": "stopline-session-8090=guessed"}], ids=["nobody", "a guess"])
async def test_a_stranger_cannot_have_a_file_read(cookie: dict[str, str]) -> None:
    async with dashboard() as (client, _):
        file = {"file": ("a.csv", b"x" * 2 * limits.STRANGERS_FORM_BYTES)}
        answer = await client.post("/lists/1/import", files=file, headers=cookie)
        assert answer.status_code == 413
        assert "Sign in, and send this again" in answer.text
        assert answer.headers["X-Frame-Options"] == "DENY"


async def test_files_that_are_uploaded_at_once_are_few() -> None:
    async with dashboard() as (client, app):
        uploads = lifecycle_of(app).runtime.uploads
        with uploads.counted("acme"), uploads.counted("acme"):
            answer = await client.post("/lists/1/import", files={"file": ("a.csv", b"x")}, headers=SIGNED_IN)
        assert answer.status_code == 503
        assert "Too many uploads" in answer.text


async def test_an_address_with_two_slashes_links_to_nothing_elsewhere() -> None:
    async with dashboard() as (client, _):
        answer = await client.get("http://localhost:8090//evil.example/x")
        assert answer.status_code == 404
        assert "evil.example" not in answer.text


async def test_a_bug_is_answered_with_the_same_protection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("services.dashboard.users.KnownUsers.find", fails)
    async with dashboard() as (client, _):
        answer = await client.get("/overview", headers=SIGNED_IN)
        assert answer.status_code == 500
        assert answer.headers["Cache-Control"] == "no-store"
        assert {name: answer.headers.get(name) for name in ALWAYS} == dict(ALWAYS)


async def test_a_refusal_keeps_the_navigation_and_the_way_to_sign_out() -> None:
    async with dashboard() as (client, _):
        answer = await client.get("/overview", headers=SIGNED_IN)
        assert answer.status_code == 403
        assert "only who has access_contacts may do this" in answer.text
        assert 'action="/sign-out"' in answer.text
        assert 'href="/rules"' in answer.text


async def test_a_part_of_a_page_leads_back_to_its_page_after_signing_in() -> None:
    async with dashboard() as (client, _):
        current = {"HX-Request": "true", "HX-Current-URL": f"{HERE}/lists/7?search=a"}
        answer = await client.get("/overview/rates", headers=current)
        assert answer.headers["HX-Redirect"] == "/sign-in?next=/lists/7%3Fsearch%3Da"
        answer = await client.get("/overview/rates", headers={**current, "HX-Current-URL": "https://a//evil.example"})
        assert answer.headers["HX-Redirect"] == "/sign-in"
