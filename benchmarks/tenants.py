"""What customers do to everybody else: the fence under 500 requests at a time, the memory that slow readers take."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import psutil

from benchmarks import fence
from benchmarks.rows import Row, row
from harness.account import Account
from harness.client import ApiClient, create_account
from harness.stack.stack import Stack

PARALLEL = 500
SLOW_READERS = 20
_CONTACTS = 200
_FIELDS = {f"field {n}": "x" * 1000 for n in range(4)}


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    ends = stack.endpoints()
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"b-{uuid4().hex[:8]}")
    path = await _page(ends.api_url, account)
    api = psutil.Process(stack.services["api"].process.pid)
    bootstrap = ends.kafka_bootstrap
    idle = await fence.run(bootstrap, quick)
    before = api.memory_info().rss
    async with _requests(ends.api_url, account, path):
        loaded = await fence.run(bootstrap, quick)
    async with _slow_readers(ends.api_url, account, path):
        slow = api.memory_info().rss
    return [
        row(f"fence with {PARALLEL} API requests at a time, p50", loaded[0]["value"], "ms", idle[0]["value"]),
        row(
            f"fence with {PARALLEL} API requests at a time, p99",
            loaded[1]["value"],
            "ms",
            idle[1]["value"],
            "≤ 1.5 of idle",
        ),
        row(f"memory of the API with {SLOW_READERS} slow readers", slow / 1e6, "MB", before / 1e6),
    ]


async def _page(api_url: str, account: Account) -> str:
    """Fill a list whose contacts are larger than a page; return the page's address."""
    async with ApiClient(api_url, account) as api:
        path = f"/v1/lists/{await api.create_list('everybody')}/contacts"
    login = aiohttp.BasicAuth(account.account_id, account.api_key)
    contacts = [{"phone": f"+1415555{1000 + n}", "fields": _FIELDS} for n in range(_CONTACTS)]
    async with aiohttp.ClientSession(auth=login) as http:
        for first in range(0, _CONTACTS, 100):
            body = {"contacts": contacts[first : first + 100]}
            async with http.post(f"{api_url}{path}", json=body) as answer:
                assert answer.status == 200, await answer.text()
    return f"{path}?limit=1000"


@asynccontextmanager
async def _requests(api_url: str, account: Account, path: str) -> AsyncIterator[None]:
    """Keep `PARALLEL` requests under way, from a process of its own that yields to all others."""
    order = json.dumps([api_url, path, account.account_id, account.api_key])
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.tenants", order)
    try:
        await asyncio.sleep(3)  # until all are under way
        yield
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _slow_readers(api_url: str, account: Account, path: str) -> AsyncIterator[None]:
    login = aiohttp.BasicAuth(account.account_id, account.api_key).encode()
    parts = urlsplit(api_url)
    writers = []
    for _ in range(SLOW_READERS):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1024)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: api\r\nAuthorization: {login}\r\n\r\n".encode())
        await reader.read(100)
        writers.append(writer)
    yield
    for writer in writers:
        writer.close()


async def _load(api_url: str, path: str, account_id: str, api_key: str) -> None:
    os.nice(19)
    outcomes: dict[str, int] = {}
    login = aiohttp.BasicAuth(account_id, api_key)
    connector = aiohttp.TCPConnector(limit=PARALLEL)

    async def ask(http: aiohttp.ClientSession) -> None:
        while True:
            try:
                async with http.get(f"{api_url}{path}") as answer:
                    await answer.read()
                    outcome = str(answer.status)
            except aiohttp.ClientError as error:
                outcome = type(error).__name__
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            if sum(outcomes.values()) % 500 == 0:
                print(f"requests so far: {outcomes}", file=sys.stderr)

    async with aiohttp.ClientSession(auth=login, connector=connector) as http:
        await asyncio.gather(*(ask(http) for _ in range(PARALLEL)))


if __name__ == "__main__":
    asyncio.run(_load(*json.loads(sys.argv[1])))
