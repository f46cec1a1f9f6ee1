"""The customer API as a process: without a login nothing of a body is read, and nothing sent to it makes it large."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence

import httpx
import psutil
import pytest
from optout_world import OptOutWorld

from services.optout.api.authenticate import key_sha256

COMPOSE_LIMIT_BYTES = 512 * 2**20
KEY = "a-key-of-this-test"
BODY_BYTES = 1_000_000


async def first_bytes(world: OptOutWorld, request: bytes) -> tuple[bytes, bytes]:
    """Return the head of the answer to a request of which no more is sent, and what follows until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(world.api.url).port or 0)
    writer.write(request)
    async with asyncio.timeout(3):
        head = await reader.readuntil(b"\r\n\r\n")
        rest = await reader.read()
    writer.transport.abort()
    return head.lower(), rest


def request(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


@pytest.fixture(autouse=True)
async def _its_own_api(world: OptOutWorld) -> AsyncIterator[None]:
    """Have an API without memories, of its own or of refused logins, and leave none with them."""
    await world.api.end()
    await world.api.start()
    yield
    await world.api.end()


async def test_nothing_of_a_body_is_read_before_the_login(world: OptOutWorld) -> None:
    wrong = f"Authorization: Basic {b64encode(b'acme:wrong').decode()}"
    for path in ("/v1/lists", "/v1/accounts", "/v1/lists/1/contacts", "/v3/automations/sms/inbound"):
        for login in ((), (wrong,)):
            for length in (f"Content-Length: {BODY_BYTES}", "Transfer-Encoding: chunked"):
                for expect in ((), ("Expect: 100-continue",)):
                    head, rest = await first_bytes(world, request(path, *login, length, *expect))
                    assert head.startswith((b"http/1.1 401", b"http/1.1 429")), head
                    assert b"connection: close" in head
                    assert rest.startswith(b"{")


async def largest_until_sent(process: psutil.Process, writers: Sequence[asyncio.StreamWriter]) -> int:
    """Wait until the system has all that was written; return the most resident bytes seen meanwhile."""
    largest = 0
    while any(writer.transport.get_write_buffer_size() for writer in writers):
        largest = max(largest, process.memory_info().rss)
        await asyncio.sleep(0.05)
    return largest


async def test_bodies_of_many_at_once_stay_within_the_memory_of_the_deployment(world: OptOutWorld) -> None:
    await world.fetch("INSERT INTO accounts (account_id, name) VALUES ($1, 'Acme')", world.account_id)
    add = "INSERT INTO api_keys (account_id, name, key_sha256) VALUES ($1, 'first', $2)"
    await world.fetch(add, world.account_id, key_sha256(KEY))
    process = psutil.Process(world.api.process.pid)
    before = process.memory_info().rss
    login = f"Authorization: Basic {b64encode(f'{world.account_id}:{KEY}'.encode()).decode()}"
    head = request("/v1/lists", login, "Content-Type: application/json", f"Content-Length: {BODY_BYTES}")
    port = httpx.URL(world.api.url).port or 0
    writers = []
    for _ in range(300):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + b" " * (BODY_BYTES - 10))
        writers.append(writer)
    async with asyncio.timeout(25), httpx.AsyncClient(timeout=20) as http:
        largest = await largest_until_sent(process, writers)
        assert (await http.get(f"{world.api.url}/health/live")).status_code == 200
    largest = max(largest, process.memory_info().rss)
    for writer in writers:
        writer.transport.abort()
    assert largest < COMPOSE_LIMIT_BYTES * 0.75, f"{before} before, {largest} with 300 bodies of 1 MB"
    print(f"memory: {before / 2**20:.0f} MB before, {largest / 2**20:.0f} MB at most")  # noqa: T201 (a figure)
