"""A process that is asked to end does so in its grace period, under load: it ends what it began, nothing is lost."""

import signal
import time

import pytest

from faults.world import World

pytestmark = pytest.mark.timeout(240)

GRACE_SECONDS = 30.0
"""`stop_grace_period` of docker-compose.yml."""


async def test_each_process_ends_by_itself_when_it_is_asked_to_under_load_and_nothing_is_lost(world: World) -> None:
    took: dict[str, float] = {}
    async with world.load() as load:
        await load.flows()
        for name in ("sender", "inbound", "optout", "api"):
            service = world.service(name)
            began = time.monotonic()
            await service.stop(GRACE_SECONDS)
            took[name] = time.monotonic() - began
            assert service.process.returncode in {0, -signal.SIGTERM}, f"{name} was killed, after {took}"
            await service.start()
            await load.flows(timeout_seconds=120)
    await world.settle()
    assert max(took.values()) < GRACE_SECONDS - 5, took
