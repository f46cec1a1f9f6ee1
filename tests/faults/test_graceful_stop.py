"""A process that is asked to end does so in its grace period, under load: it ends what it began, nothing is lost."""

import asyncio
import signal
import time

import pytest

from faults.world import World

pytestmark = pytest.mark.timeout(240)

GRACE_SECONDS = 30.0
"""`stop_grace_period` of docker-compose.yml."""
TOGETHER = (("sender", "inbound"), ("optout", "api"))
"""What a process needs to end what it began is still there: of those that are asked together none needs another."""


async def test_each_process_ends_by_itself_when_it_is_asked_to_under_load_and_nothing_is_lost(world: World) -> None:
    took: dict[str, float] = {}
    async with world.load() as load:
        for names in TOGETHER:
            await load.flows()
            took |= dict(zip(names, await asyncio.gather(*(_stop(world, name) for name in names)), strict=True))
            await asyncio.gather(*(world.service(name).start() for name in names))
        await load.flows(timeout_seconds=120)
    await world.settle()
    assert max(took.values()) < GRACE_SECONDS - 5, took


async def _stop(world: World, name: str) -> float:
    """Ask the process to end; return for how many seconds it went on."""
    service, began = world.service(name), time.monotonic()
    await service.stop(GRACE_SECONDS)
    assert service.process.returncode in {0, -signal.SIGTERM}, f"{name} was killed"
    return time.monotonic() - began
