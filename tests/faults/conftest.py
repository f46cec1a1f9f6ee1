"""One stack for all fault tests, with short deadlines, and an account of its own for each of them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from faults.shop import Shop
from faults.tap import Tap, tapping
from faults.world import World, open_stack, open_world
from harness.stack.stack import Stack


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
    async with open_stack(shops, tap, backend=backend) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def world(stack: Stack, shops: list[Shop], tap: Tap) -> AsyncIterator[World]:
    """An account with lists and people; everything runs before and after the test."""
    async with open_world(stack, shops, tap) as opened:
        yield opened
