"""One stack on three Kafka nodes for these tests, with the account, load and judgement of the fault tests."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from faults.shop import Shop
from faults.tap import Tap, tapping
from faults.world import World, open_stack, open_world

from cluster.nodes import Nodes
from harness.stack.stack import Stack


@pytest.fixture(scope="package")
def shops() -> list[Shop]:
    """All accounts that must keep every guarantee."""
    return []


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stack(shops: list[Shop]) -> AsyncIterator[tuple[Stack, Tap]]:
    """The stack and the tap in front of its carrier: each of its records is on three nodes before it counts."""
    async with tapping() as tap, open_stack(shops, tap, backend="embedded", kafka_nodes=3) as started:
        yield started, tap


@pytest_asyncio.fixture(loop_scope="session")
async def world(stack: tuple[Stack, Tap], shops: list[Shop]) -> AsyncIterator[World]:
    """An account with lists and people; all nodes and services run before the test."""
    await Nodes(stack[0]).repair()
    async with open_world(stack[0], shops, stack[1]) as opened:
        yield opened


@pytest.fixture
def nodes(world: World) -> Nodes:
    return Nodes(world.stack)
