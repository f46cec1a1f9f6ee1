"""The page finds its way back by itself: after a change of database, a new sandbox, or an entry that it cannot take."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from harness.machine.private_file import read_private, write_private
from harness.phones import carrier, running
from harness.phones.carrier import SandboxCarrier
from harness.phones.customer_api import api_key
from harness.phones.settings import PhonesSettings
from shared.errors import TransientError

NEW_KEY = "the-new-key"


class ApiWithOneKey:
    """The customer API, whose account `demo` is there with keys of earlier starts, and one that works."""

    def __init__(self) -> None:
        self.names = {1: "default", 2: "phones-aaaaaa", 3: "phones-bbbbbb"}
        self.works = ""
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"].startswith("Bearer"):
            return self._for_the_administrator(request.path, await request.json())
        if request.headers["Authorization"] != f"Basic {base64.b64encode(f'demo:{self.works}'.encode()).decode()}":
            return web.json_response({"error": {"message": "who is this?"}}, status=401)
        if request.method == "DELETE":
            del self.names[int(request.path.rpartition("/")[2])]
        return web.json_response({"api_keys": [{"key_id": at, "name": name} for at, name in self.names.items()]})

    def _for_the_administrator(self, path: str, asked: dict[str, Any]) -> web.Response:
        if path == "/v1/accounts":
            return web.json_response({"error": {"message": "it is there"}}, status=409)
        self.works = NEW_KEY
        self.names[max(self.names) + 1] = asked["name"]
        return web.json_response({"api_key": NEW_KEY}, status=201)


@pytest_asyncio.fixture(loop_scope="session")
async def api() -> AsyncIterator[ApiWithOneKey]:
    api = ApiWithOneKey()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.handle)
    async with TestServer(app) as server:
        api.url = str(server.make_url("")).rstrip("/")
        yield api


def settings_with(api: ApiWithOneKey, folder: Path) -> PhonesSettings:
    return PhonesSettings.model_validate(
        {
            "kafka_bootstrap": "127.0.0.1:1", "phones_sandbox_url": "http://127.0.0.1:1",
            "phones_api_url": api.url, "phones_inbound_url": "http://127.0.0.1:1",
            "admin_token": "t" * 32, "phones_dir": folder,
        }
    )  # fmt: skip


async def test_a_kept_key_that_works_is_used_again(api: ApiWithOneKey, tmp_path: Path) -> None:
    api.works = "kept"
    write_private(tmp_path / "demo.json", {"api_key": "kept"})
    assert await api_key(settings_with(api, tmp_path)) == "kept"
    assert len(api.names) == 3


async def test_a_key_of_a_database_that_is_gone_is_replaced_and_no_keys_pile_up(
    api: ApiWithOneKey, tmp_path: Path
) -> None:
    write_private(tmp_path / "demo.json", {"api_key": "of a database that is gone"})
    assert await api_key(settings_with(api, tmp_path)) == NEW_KEY
    assert read_private(tmp_path / "demo.json") == {"api_key": NEW_KEY}
    assert sorted(api.names) == [1, 4]  # `default` is not the page's


async def test_a_folder_that_cannot_keep_the_key_is_named(api: ApiWithOneKey, tmp_path: Path) -> None:
    with pytest.raises(TransientError, match=r"cannot be kept in .*missing/demo\.json"):
        await api_key(settings_with(api, tmp_path / "missing"))


class SandboxThatEnds:
    """A sandbox that is silent, answers without having anything, and ends the test."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    async def long_poll(self, _path: str, _after: int) -> Any:
        if not self.answers:
            raise asyncio.CancelledError
        if isinstance(self.answers[0], Exception):
            raise self.answers.pop(0)
        return self.answers.pop(0)


async def test_a_sandbox_that_answers_again_is_set_up_again_even_where_it_had_nothing_to_forget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(carrier, "RETRY_SECONDS", 0.0)
    nothing = {"total": 0, "forgotten": 0, "webhooks": []}
    sandbox = SandboxThatEnds(nothing, TransientError("no answer"), TransientError("no answer"), nothing, nothing)
    said: list[str] = []
    with pytest.raises(asyncio.CancelledError):
        await SandboxCarrier(sandbox, "demo").follow(  # type: ignore[arg-type]
            "webhooks", lambda _: None, lambda: said.append("new"), lambda: said.append("back")
        )
    assert said == ["back"]


async def test_what_cannot_be_shown_ends_no_following_and_a_part_that_ends_begins_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(running, "RETRY_SECONDS", 0.0)
    begun: list[int] = []

    def refuse(entry: str) -> None:
        raise KeyError(entry)

    async def work() -> None:
        begun.append(1)
        if len(begun) == 2:
            raise asyncio.CancelledError
        running._carefully(refuse)("an entry")
        raise KeyError("partition")

    with pytest.raises(asyncio.CancelledError):
        await running._kept(work)
    assert [line.message for line in caplog.records] == [
        "something that was read is not shown",
        "a part of the page ended; it begins again",
    ]
