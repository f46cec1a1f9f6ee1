"""Calls to gateways' APIs: what each response means, what leaves, and what never does."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from stub_of_gateways import api_of, stub

from services.inbound.poll.api_keys import GatewayAccount, read_api_keys
from services.inbound.poll.client import GatewayApiError
from services.inbound.poll.credentials import API_CREDENTIALS, MESSAGE_LISTS
from services.inbound.poll.limits import (
    BUG_SECONDS,
    MAX_CALLS_AT_ONCE,
    MAX_CALLS_PER_HOST,
    MAX_RESPONSE_BYTES,
    REFUSED_SECONDS,
)
from services.inbound.poll.rounds import Rounds, Work, round_of

SECRET = "the-secret-of-these-tests"  # noqa: S105
SINCH = {"service_plan_id": "plan", "api_token": SECRET}
EVERY = 180.0


def work(account: GatewayAccount, do: Callable[[], Awaitable[Any]], every_seconds: float = EVERY) -> Work:
    return Work("catch_up", account, every_seconds, do)


async def after_a_response(*responses: web.Response, failures: int = 0) -> float:
    """Return the pause after a round whose call gets this response."""
    given = list(responses)
    async with stub(lambda _, __: given.pop(0)) as (address, _), api_of("sinch", SINCH, address) as api:
        return await round_of(work(api.account, lambda: api.get("/xms")), failures)


async def test_a_gateway_that_does_not_answer_keeps_no_call_to_another_one_waiting() -> None:
    asked, done = asyncio.Semaphore(0), asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        asked.release()
        await done.wait()
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/", hang)
    async with (
        TestServer(app) as silent,
        stub(lambda _, __: web.json_response([])) as (address, _),
        api_of("sinch", SINCH, address) as api,
    ):
        session = api._connections.session
        calls = [asyncio.ensure_future(session.get(silent.make_url("/"))) for _ in range(MAX_CALLS_AT_ONCE)]
        for _ in range(MAX_CALLS_PER_HOST):
            await asked.acquire()
        assert await asyncio.wait_for(api.get("/xms"), 10) == []
        done.set()
        for response in await asyncio.gather(*calls):
            response.close()


@pytest.mark.parametrize(
    ("status", "headers", "failures", "pause"),
    [
        (200, {}, 3, EVERY),
        (204, {}, 0, EVERY),
        (429, {}, 0, 30),
        (429, {"Retry-After": "7"}, 0, 7),
        (429, {"Retry-After": "86400"}, 0, 600),
        (429, {"Retry-After": "-1"}, 0, 30),
        (429, {"Retry-After": "Sun, 29 Nov 2026 10:59:00 GMT"}, 0, 30),
        (401, {}, 0, REFUSED_SECONDS),
        (403, {}, 9, REFUSED_SECONDS),
        (500, {}, 0, 5),
        (404, {}, 2, 30),
        (302, {"Location": "http://127.0.0.1:1/elsewhere"}, 99, 120),
    ],
)
async def test_a_gateway_is_never_asked_hot(status: int, headers: dict[str, str], failures: int, pause: float) -> None:
    assert await after_a_response(web.Response(status=status, headers=headers), failures=failures) == pause


@pytest.mark.parametrize("body", [b"<html>", b"{" * 100_000, b"\xff"])
async def test_a_success_that_is_not_json_is_a_failure(body: bytes) -> None:
    assert await after_a_response(web.Response(body=body)) == 5


async def test_a_response_without_end_is_not_read_to_its_end() -> None:
    assert await after_a_response(web.Response(body=b" " * (MAX_RESPONSE_BYTES + 1))) == 5


async def test_a_gateway_that_does_not_answer_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.inbound.poll.client.CALL_SECONDS", 0.05)
    async with api_of("sinch", SINCH, "http://127.0.0.1:1") as api:
        assert await round_of(work(api.account, lambda: api.get("/xms")), 0) == 5


async def test_no_call_leaves_for_another_host() -> None:
    page = {"messages": [], "next_page_uri": "https://elsewhere.example/steal"}
    credential = {"account_sid": "AC22222222222222222222222222222222", "auth_token": SECRET}
    async with (
        stub(lambda _, __: web.json_response(page)) as (address, seen),
        api_of("twilio", credential, address) as api,
    ):
        with pytest.raises(GatewayApiError, match=r"another host: elsewhere\.example"):
            _ = [page async for page in MESSAGE_LISTS["twilio"]().pages(api, datetime.now(UTC))]
    assert len(seen) == 1


@pytest.mark.parametrize("response", [{}, {"inbounds": None}, {"inbounds": {}}, {"inbounds": ["x"]}, [], None])
async def test_what_is_not_a_list_is_not_taken_for_an_empty_one(response: Any) -> None:
    async with (
        stub(lambda _, __: web.json_response(response)) as (address, _),
        api_of("sinch", SINCH, address) as api,
    ):
        with pytest.raises(GatewayApiError, match="no list of objects"):
            _ = [page async for page in MESSAGE_LISTS["sinch"]().pages(api, datetime.now(UTC))]


async def test_no_secret_is_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for status in (401, 429, 500):
        await after_a_response(web.Response(status=status, text="no"))
    async with api_of("sinch", SINCH, "http://127.0.0.1:1") as api:
        await round_of(work(api.account, lambda: api.get("/xms", {"to": "+14155550100"})), 0)
    assert "refuses the credentials" in caplog.text
    assert SECRET not in caplog.text
    assert "+14155550100" not in caplog.text


async def test_one_slow_gateway_delays_no_other() -> None:
    [slow, fast] = read_api_keys(json.dumps({"slow": {"sinch": SINCH}, "fast": {"sinch": SINCH}}), API_CREDENTIALS)
    done = asyncio.Queue[None]()

    async def wait() -> None:
        await asyncio.Event().wait()

    rounds = Rounds([work(slow, wait), work(fast, lambda: done.put(None), 0)])
    rounds.start()
    async with asyncio.timeout(5):
        for _ in range(3):
            await done.get()
    await rounds.stop()


async def test_a_bug_is_logged_and_ends_the_work_of_no_account(caplog: pytest.LogCaptureFixture) -> None:
    [account] = read_api_keys(json.dumps({"acme": {"sinch": SINCH}}), API_CREDENTIALS)

    async def fail() -> None:
        raise KeyError("a bug")

    assert await round_of(work(account, fail), 0) == BUG_SECONDS
    assert "account acme at sinch" in caplog.text
    assert "KeyError" in caplog.text


@pytest.mark.parametrize("address", ["https://[elsewhere", "http://127.0.0.1:port/x", 7, {"a": 1}])
async def test_a_next_page_without_a_readable_address_is_a_failure(address: object) -> None:
    page = {"messages": [{"direction": "inbound"}], "next_page_uri": address}
    credential = {"account_sid": "AC22222222222222222222222222222222", "auth_token": SECRET}
    given = [web.json_response(page), web.json_response({})]
    async with stub(lambda _, __: given.pop(0)) as (ours, _), api_of("twilio", credential, ours) as api:
        with pytest.raises(GatewayApiError):
            _ = [each async for each in MESSAGE_LISTS["twilio"]().pages(api, datetime.now(UTC))]


async def test_waiting_for_others_to_the_same_host_does_not_fail_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.inbound.poll.client.CALL_SECONDS", 0.2)
    async with (
        stub(lambda _, __: web.json_response([])) as (address, seen),
        api_of("sinch", SINCH, address) as api,
    ):
        others = api._connections.turn(address)
        for _ in range(MAX_CALLS_PER_HOST):
            await others.acquire()
        call = asyncio.create_task(api.get("/xms"))
        _, waiting = await asyncio.wait([call], timeout=0.5)
        assert waiting
        assert not seen
        others.release()
        assert await call == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Invalid JSON"),
        ('{"acme": {"pager": {}}}', "acme: pager: not used; those that are: "),
        ('{"ACME": {}}', "ACME"),
        ('{"acme": {"sinch": {"service_plan_id": "plan"}}}', "acme: sinch: api_token: Field required"),
        ('{"acme": {"sinch": {"service_plan_id": "a/b", "api_token": "hidden-hidden"}}}', "sinch: service_plan_id: "),
        ('{"acme": {"sinch": {"service_plan_id": "a", "api_token": "hidden-hidden", "x": 1}}}', "sinch: x: Extra"),
        ('{"acme": {"sinch": {"service_plan_id": "a", "api_token": "hidden-hidden", "base_url": "ftp://x"}}}', "https"),
        (
            '{"acme": {"sinch": {"service_plan_id": "a", "api_token": "hidden-hidden", "base_url": "http://x.y"}}}',
            "https",
        ),
    ],
)
def test_a_wrong_setting_names_its_place_and_shows_no_value(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="STOPLINE_GATEWAY_API_KEYS") as caught:
        read_api_keys(text, API_CREDENTIALS)
    assert said in str(caught.value)
    assert "hidden-hidden" not in str(caught.value)


def test_an_api_is_used_by_its_account_alone() -> None:
    accounts = read_api_keys(json.dumps({"a": {"sinch": SINCH}, "b": {"sinch": SINCH}}), API_CREDENTIALS)
    assert [str(each) for each in accounts] == ["account a at sinch", "account b at sinch"]
