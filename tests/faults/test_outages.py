"""While something is unavailable that a guarantee needs, nothing is sent; afterwards everything is."""

import asyncio

import pytest

from faults.world import A_DECISION_LIVES, World, longer_than

pytestmark = pytest.mark.timeout(240)

ALL = ("inbound", "optout", "api", "sender")


async def test_kafka_killed_under_load(world: World) -> None:
    async with world.load() as load:
        await load.flows()
        await world.stack.backend.kill_kafka()
        async with world.outage("Kafka"):
            await longer_than(A_DECISION_LIVES + 1)
        await world.stack.backend.start_kafka()
        await load.flows(timeout_seconds=120)
    await world.settle()


async def test_postgres_killed_under_load(world: World) -> None:
    async with world.load() as load:
        await load.flows()
        await world.stack.backend.kill_postgres()
        async with world.outage("Postgres"):
            await longer_than(A_DECISION_LIVES + 1)
        await world.stack.backend.start_postgres()
        await load.flows(timeout_seconds=120)
    await world.settle()


async def test_kafka_frozen_again_and_again_under_load_ends_no_process(world: World) -> None:
    """Longer than a node's session, so that Kafka has no node for a moment afterwards, when all connect again."""
    async with world.load() as load:
        await load.flows()
        for _ in range(2):
            await world.stack.backend.pause_kafka()
            async with world.outage("Kafka"):
                await longer_than(A_DECISION_LIVES + 1)
            await world.stack.backend.resume_kafka()
            await load.flows(timeout_seconds=120)
            ended = {name: world.service(name).process.returncode for name in ALL if not world.service(name).alive}
            assert not ended, "a process ended by itself"
    await world.settle()


async def test_opt_out_service_away_under_load(world: World) -> None:
    service = world.service("optout")
    async with world.load() as load:
        await load.flows()
        await service.kill()
        async with world.outage("the opt-out service"):
            await longer_than(A_DECISION_LIVES + 1)
        await service.start()
        await load.flows(timeout_seconds=120)
    await world.settle()


async def test_all_services_killed_at_once_under_load(world: World) -> None:
    services = [world.service(name) for name in ALL]
    async with world.load() as load:
        await load.flows()
        for service in services:
            await service.kill()
        await asyncio.gather(*(service.start() for service in services))
        await load.flows(timeout_seconds=120)
    await world.settle()
