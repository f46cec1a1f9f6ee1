"""One stack for all fault tests, with short deadlines, and an account of its own for each of them."""

import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from faults.shop import Shop, open_shop
from faults.tap import Tap, tapping
from faults.world import SESSION_SECONDS, World, judge_again
from harness.checker.read_kafka import end_positions
from harness.client import follow_delivery_events
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack

GAP_SECONDS = 4
SETTINGS = {
    "STOPLINE_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
    "STOPLINE_CALL_SECONDS": "1",
    "STOPLINE_SWEEP_MARGIN_SECONDS": "1",
    # Often enough that a cache which differs from the record is found while the test still runs.
    "STOPLINE_CHECKPOINT_SECONDS": "1",
    "STOPLINE_SNAPSHOT_SECONDS": "2",
    "STOPLINE_RECEPTION_GAP_SECONDS": str(GAP_SECONDS),
    "STOPLINE_CATCH_UP_WAIT_SECONDS": "600",
}


@pytest.fixture(scope="package")
def shops() -> list[Shop]:
    """All accounts that must keep every guarantee."""
    return []


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def tap() -> AsyncIterator[Tap]:
    """Stamps the calls of all tests at the carrier's socket."""
    async with tapping() as listening:
        yield listening


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stack(request: pytest.FixtureRequest, shops: list[Shop], tap: Tap) -> AsyncIterator[Stack]:
    """The stack; when all tests are through, every account is judged once more, by all that happened since."""
    backend = request.config.getoption("--stopline-backend")
    settings = {**SETTINGS, "STOPLINE_CARRIER_URL": tap.url}
    async with Stack(backend=backend, durable=False, service_env=settings, say=_say) as started:
        tap.carrier_port = int(started.endpoints().sandbox_url.rpartition(":")[2])
        yield started
        await judge_again(started, shops, tap)


@pytest_asyncio.fixture(loop_scope="session")
async def world(stack: Stack, shops: list[Shop], tap: Tap) -> AsyncIterator[World]:
    """An account with lists and people; everything runs before and after the test."""
    await _repair(stack)
    ends = stack.endpoints()
    async with SandboxClient(ends.sandbox_url) as sandbox, follow_delivery_events(ends.kafka_bootstrap) as events:
        await sandbox.set_faults(webhook_retries=8)
        shop = await open_shop(ends, sandbox, stack.kafka_settings().partitions)
        shops.append(shop)
        yield World(stack, sandbox, events, shop, await end_positions(ends.kafka_bootstrap), tap)


async def _repair(stack: Stack) -> None:
    """Bring back what an earlier test, which failed, stopped."""
    for name, service in stack.services.items():
        if service.process.alive:
            await service.resume()
        elif name in ("inbound", "optout", "api", "sender"):
            await service.start()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
