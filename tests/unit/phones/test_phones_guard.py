"""No website that is open beside the page may press its buttons or read what it shows: asked over HTTP, as it would."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from harness.phones.board import Board
from harness.phones.cast import OWNERS
from harness.phones.guard import TOKEN_HEADER, refusal_of_host
from harness.phones.limits import MAX_REQUEST_BYTES, MAX_STREAMS
from harness.phones.machine import Machine
from harness.phones.page import PhonesPage
from harness.phones.routes import RUNNING, PageRoutes

TOKEN = "a-token-of-this-start"  # noqa: S105 (of a test)
KILL = {"part": "optout", "command": "kill"}
Client = TestClient[web.Request, web.Application]


class Stub(SimpleNamespace):
    """The running parts, with a machine that notes what it is asked to do."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        super().__init__(
            board=Board("demo", lambda: 0),
            api=None,
            machine=SimpleNamespace(command=lambda *given: self.asked.append(given)),
            reply=lambda *given: self.asked.append(given),
        )


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest_asyncio.fixture(loop_scope="session")
async def client(stub: Stub) -> AsyncIterator[Client]:
    routes = PageRoutes(PhonesPage(token=TOKEN))
    app = web.Application(middlewares=[routes.guarded], client_max_size=MAX_REQUEST_BYTES)
    app[RUNNING] = stub  # type: ignore[assignment,misc]
    app.add_routes(routes.all())
    async with TestClient(TestServer(app)) as client:
        yield client


def own_headers(client: Client, **others: str) -> dict[str, str]:
    host = f"{client.host}:{client.port}"
    return {"Host": host, "Origin": f"http://{host}", TOKEN_HEADER: TOKEN, "Sec-Fetch-Site": "same-origin"} | others


async def test_the_page_itself_may_press_its_buttons(client: Client, stub: Stub) -> None:
    answer = await client.post("/parts", json=KILL, headers=own_headers(client))
    assert answer.status == 202
    assert stub.asked == [("optout", "kill")]


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ({"Origin": "https://evil.example"}, "Origin"),
        ({"Origin": "null"}, "Origin"),
        ({"Origin": ""}, "Origin"),
        ({"Origin": "http://127.0.0.1:1"}, "Origin"),
        ({TOKEN_HEADER: ""}, "reload the page"),
        ({TOKEN_HEADER: "another start's"}, "reload the page"),
        ({TOKEN_HEADER: "é"}, "reload the page"),
        ({"Sec-Fetch-Site": "cross-site"}, "another website"),
        ({"Sec-Fetch-Site": "same-site"}, "another website"),
        ({"Sec-Fetch-Site": "none"}, "Sec-Fetch-Site"),
        ({"Host": "evil.example"}, "other names are refused"),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, "other names are refused"),
        ({"Host": "127.0.0.1.evil.example:80"}, "other names are refused"),
        ({"Host": "localhost.:80"}, "other names are refused"),
        ({"Host": "user@localhost"}, "other names are refused"),
    ],
)
@pytest.mark.parametrize(
    ("path", "body"), [("/parts", KILL), ("/reply", {"phone": OWNERS[0].phone, "words": "STOP"}), ("/send", {})]
)
async def test_nobody_else_presses_a_button(  # noqa: PLR0913, PLR0917 (fixtures and cases)
    client: Client, stub: Stub, others: dict[str, str], says: str, path: str, body: dict[str, Any]
) -> None:
    answer = await client.post(path, json=body, headers=own_headers(client, **others))
    assert answer.status == 403
    assert says in (await answer.json())["error"]["message"]
    assert stub.asked == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused_and_nothing_is_allowed_across_origins(client: Client, method: str) -> None:
    answer = await client.request(method, "/parts", headers={"Origin": "https://evil.example"})
    assert answer.status == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/events", "/static/phones.js"])
async def test_a_name_that_was_made_to_point_here_reads_nothing(client: Client, path: str) -> None:
    answer = await client.get(path, headers={"Host": f"evil.example:{client.port}"})
    assert answer.status == 403
    assert TOKEN not in await answer.text()


@pytest.mark.parametrize("path", ["/events", "/static/phones.js"])
async def test_another_website_reads_nothing_of_the_page(client: Client, path: str) -> None:
    assert (await client.get(path, headers={"Sec-Fetch-Site": "cross-site"})).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8090", "localhost", "LOCALHOST:8090", "[::1]:8090"])
def test_this_machine_has_three_names(host: str) -> None:
    assert refusal_of_host({"Host": host}) is None


async def test_a_link_from_elsewhere_opens_the_page_with_its_token_and_a_strict_policy(client: Client) -> None:
    answer = await client.get("/", headers={"Sec-Fetch-Site": "cross-site"})
    text = await answer.text()
    assert answer.status == 200
    assert f'content="{TOKEN}"' in text
    assert "%TOKEN%" not in text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


async def test_a_health_check_needs_no_host(client: Client) -> None:
    assert (await client.get("/health/ready", headers={"Host": "phones:8090"})).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/parts", {"part": "optout"}),
        ("/parts", {"part": "optout", "command": "kill", "more": 1}),
        ("/reply", {"phone": "+14155550199", "words": "STOP"}),
        ("/reply", {"phone": OWNERS[0].phone, "words": ""}),
        ("/reply", {"phone": OWNERS[0].phone, "words": "x" * 1001}),
        ("/send", {"list_id": 7, "text": "Hello"}),
        ("/send", {"list_id": "7; DROP", "text": "Hello"}),
    ],
)
async def test_what_is_wrong_with_a_button_is_said(client: Client, stub: Stub, path: str, body: dict[str, Any]) -> None:
    answer = await client.post(path, json=body, headers=own_headers(client))
    assert answer.status == 422
    assert (await answer.json())["error"]["message"]
    assert stub.asked == []


async def test_a_body_that_is_too_large_or_is_not_json_is_refused(client: Client) -> None:
    large = await client.post("/reply", data=b"x" * (MAX_REQUEST_BYTES + 1), headers=own_headers(client))
    assert large.status == 413
    assert (await client.post("/reply", data=b"STOP", headers=own_headers(client))).status == 422


async def test_a_tab_too_many_is_asked_to_wait(client: Client, stub: Stub) -> None:
    followers = [stub.board.feed.one_more() for _ in range(MAX_STREAMS)]
    for each in followers:
        each.__enter__()
    answer = await client.get("/events", headers=own_headers(client))
    assert answer.status == 503
    assert "close one" in (await answer.json())["error"]["message"]


def test_without_a_control_socket_nothing_is_killed() -> None:
    said: list[str] = []
    machine = Machine(None, {"optout": "http://127.0.0.1:1"}, lambda _: None, lambda _, text: said.append(text))
    assert machine.as_json() == {
        "parts": [{"name": "optout", "state": "silent", "is_busy": False}],
        "can_be_killed": False,
    }
    with pytest.raises(Exception, match="make demo"):
        machine.command("optout", "kill")


async def test_only_the_parts_that_are_shown_and_only_these_commands_exist() -> None:
    machine = Machine(Path("/nonexistent"), {}, lambda _: None, lambda *_: None)
    for part, command in (("phones", "kill"), ("optout", "stop"), ("../x", "kill"), ("optout", "repair")):
        with pytest.raises(Exception, match="there is no"):
            machine.command(part, command)
