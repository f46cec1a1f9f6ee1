from collections.abc import AsyncIterator

import pytest_asyncio

from harness.stack.embedded import EmbeddedBackend


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def embedded() -> AsyncIterator[EmbeddedBackend]:
    async with EmbeddedBackend() as backend:
        yield backend
