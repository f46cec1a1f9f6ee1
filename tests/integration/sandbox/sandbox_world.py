"""The sandbox carrier as a process, its sender, and a place that its webhooks are posted to."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from aiohttp import web

TOKEN = "sandbox-test-token"  # noqa: S105 (of a process that ends with the test)
START_SECONDS = 30


@asynccontextmanager
async def running_sandbox(**environment: str) -> AsyncIterator[str]:
    """Run `python -m harness.sandbox`; yield its address; stop it with SIGTERM, which must end it cleanly."""
    port = _free_port()
    own = {"STOPLINE_SANDBOX_TOKEN": TOKEN, "STOPLINE_HTTP_PORT": str(port), **environment}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "harness.sandbox", env=os.environ | own)
    url = f"http://127.0.0.1:{port}"
    try:
        await _ready(process, url)
        yield url
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _ready(process: asyncio.subprocess.Process, url: str) -> None:
    async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as http:
        while True:
            assert process.returncode is None, "the sandbox ended; its output says why"
            try:
                if (await http.get(f"{url}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)  # nothing informs a parent that a child listens


@dataclass
class Receiver:
    """Takes webhooks; answers each with the next of `statuses` (None: resets the connection), then with 200."""

    url: str = ""
    statuses: list[int | None] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        self.content_types.append(request.content_type)
        status = self.statuses.pop(0) if self.statuses else 200
        if status is None:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status or 200, text="heard", headers={"Location": f"{self.url}/elsewhere"})


@dataclass
class Sender:
    """What the sender does: calls the carrier."""

    http: httpx.AsyncClient

    async def send(self, phone: str, body: str = "Hello. Reply STOP to opt out", **fields: Any) -> httpx.Response:
        message_id = f"m-{uuid4()}"
        asked = {"message_id": message_id, "account_id": "acme", "to": phone, "from": "+18335550123", "body": body}
        return await self.post({**asked, "custom_string": fields.get("message_id", message_id), **fields})

    async def post(self, asked: Mapping[str, Any], token: str = TOKEN) -> httpx.Response:
        return await self.http.post("/v1/messages", json=asked, headers={"Authorization": f"Bearer {token}"})
