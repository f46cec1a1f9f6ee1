"""Fixtures: a sandbox carrier, its sender, a receiver of its webhooks, a phone."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from aiohttp import web
from sandbox_world import Receiver, Sender, running_sandbox

from harness.sandbox.client import SandboxClient


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taking = Receiver()
    app = web.Application()
    app.router.add_post("/{kind}", taking.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    taking.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield taking
    await runner.cleanup()


@pytest.fixture(scope="session")
async def sandbox_url() -> AsyncIterator[str]:
    async with running_sandbox() as url:
        yield url


@pytest.fixture
async def sandbox(sandbox_url: str, receiver: Receiver) -> AsyncIterator[SandboxClient]:
    """A client of a sandbox without faults and memories, whose account `acme` is known."""
    async with SandboxClient(sandbox_url) as client:
        await client.set_faults()
        await client.forget()
        await client.register_account(
            "acme", webhook_url=f"{receiver.url}/messages", receipt_url=f"{receiver.url}/receipts"
        )
        yield client


@pytest.fixture
async def sender(sandbox_url: str) -> AsyncIterator[Sender]:
    async with httpx.AsyncClient(base_url=sandbox_url) as http:
        yield Sender(http)


@pytest.fixture
def phone() -> str:
    return f"+1415555{uuid4().int % 10_000:04d}"
