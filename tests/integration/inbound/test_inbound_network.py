"""The real process stays up, small and quick whatever is sent to its port without a secret."""

import sys
from collections.abc import Iterator

import jsonschema
import psutil
import pytest
from inbound_world import Gateway, new_http, stop_of
from network_attacks import MEGABYTE, STREAMS, Target, ask, open_many, stream, until_closed, within

from harness.stack.service import Service

COMPOSE_LIMIT_BYTES = 256 * MEGABYTE
"""`mem_limit` of inbound in docker-compose.yml."""
FORM = "application/x-www-form-urlencoded"
HALF_OPEN = 3_000
HEADER = b"GET /health/live HTTP/1.1\r\n" + b"".join(b"h%d: %s\r\n" % (each, b"x" * 140) for each in range(99))


@pytest.fixture
def target(running: Service) -> Iterator[Target]:
    attacked = Target(running.url, psutil.Process(running.process.pid))
    before = attacked.look()
    yield attacked
    sys.stdout.write(f"memory: {before / MEGABYTE:.0f} MB before, {attacked.peak_bytes / MEGABYTE:.0f} MB at most\n")
    assert attacked.peak_bytes < COMPOSE_LIMIT_BYTES * 0.75


@pytest.mark.parametrize("attack", STREAMS)
async def test_what_has_no_end_is_cut_off(attack: str, target: Target, gateway: Gateway) -> None:
    before = target.look()
    first, again = STREAMS[attack]
    taken = await stream(target, first, again, 100 * MEGABYTE)
    assert taken < 30 * MEGABYTE  # the kernel's buffers hold some of it
    assert target.peak_bytes - before < 16 * MEGABYTE
    assert (await gateway.post_form(stop_of())).status_code == 200


async def test_half_open_connections_make_room_and_are_closed_in_time(target: Target, gateway: Gateway) -> None:
    writers = []
    for first in (b"", b"POST /webhooks/cl", HEADER):
        writers += await open_many(target, HALF_OPEN // 3, first)
        assert (await gateway.post_form(stop_of())).status_code == 200
    assert await target.is_answering()
    assert target.connections() <= 1_000
    await within(20, until_closed(target))
    for writer in writers:
        writer.transport.abort()


async def test_bodies_that_never_come_or_never_end_hold_nothing(target: Target, gateway: Gateway) -> None:
    wrong = b"POST /webhooks/clicksend/acme/wrong HTTP/1.1\r\nContent-Length: 999999\r\n\r\n"
    right = gateway.address().removeprefix(gateway.url).encode()
    slow = b"POST %s HTTP/1.1\r\nContent-Length: 60000\r\n\r\n" % right + b"x" * 59_000
    writers = await open_many(target, 400, wrong + b"x" * 100_000)
    writers += await open_many(target, 400, slow)
    assert (await gateway.post_form(stop_of())).status_code == 200
    await within(20, until_closed(target))
    for writer in writers:
        writer.transport.abort()


async def test_a_wrong_secret_is_answered_before_its_body_comes(target: Target) -> None:
    head = b" HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n"
    for path in (b"/webhooks/clicksend/acme/wrong", b"/webhooks/unknown/acme/wrong", b"/nothing"):
        for expect in (b"\r\n", b"Expect: 100-continue\r\n\r\n"):
            answered = await ask(target, b"POST " + path + head + expect)
            assert answered.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,  # a TLS ClientHello
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_refused_at_once(request_bytes: bytes, target: Target) -> None:
    assert (await ask(target, request_bytes)).startswith(b"HTTP/1.1 400")


async def test_an_upgrade_is_answered_as_if_it_had_not_been_asked_for(target: Target) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert (await ask(target, b"GET /health/live HTTP/1.1\r\n" + upgrade)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("method", "gateway_name", "content", "content_type", "status"),
    [
        ("POST", "clicksend", b"from=%2B61411111111&body=x", FORM, 200),
        ("POST", "clicksend", b"{", "application/json", 400),
        ("POST", "clicksend", b"x", "image/png", 415),
        ("POST", "clicksend", b"body=x", FORM, 422),
        ("POST", "clicksend", b"x" * 70_000, FORM, 413),
        ("GET", "generic", b"", "", 405),
        ("GET", "generic", b"", "query", 414),
    ],
)
async def test_what_a_webhook_answers_is_documented(  # noqa: PLR0913, PLR0917 (a table)
    method: str, gateway_name: str, content: bytes, content_type: str, status: int, gateway: Gateway
) -> None:
    address = gateway.address(gateway_name) + ("?body=" + "x" * 17_000 if content_type == "query" else "")
    async with new_http() as http:
        answer = await http.request(method, address, content=content, headers={"Content-Type": content_type or FORM})
        document = (await http.get(f"{gateway.url}/openapi.json")).json()
    assert answer.status_code == status
    operation = document["paths"][f"/webhooks/{gateway_name}/{{account}}/{{secret}}"][method.lower()]
    assert str(status) in operation["responses"]
    if status != 200:
        schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), schema)
