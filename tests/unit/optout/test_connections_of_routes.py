"""A route's connection is given back before its answer is sent: how fast a caller reads is the caller's affair."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from services.optout.api.context import Database
from shared.http import Lifecycle, add_health


class CountingPool:
    """A pool that counts the connections that are lent."""

    def __init__(self) -> None:
        self.lent = 0

    @asynccontextmanager
    async def acquire(self, timeout: float) -> AsyncIterator[object]:  # noqa: ASYNC109 (as asyncpg's)
        assert timeout > 0
        self.lent += 1
        yield object()
        self.lent -= 1


async def test_a_route_has_no_connection_while_its_answer_is_sent() -> None:
    pool, lent = CountingPool(), []
    app = FastAPI()
    lifecycle: Lifecycle[SimpleNamespace] = Lifecycle()
    lifecycle.runtime = SimpleNamespace(pool=pool)
    add_health(app, lifecycle, include_in_schema=False)

    @app.get("/export")
    async def export(_: Database) -> StreamingResponse:
        lent.append(pool.lent)

        async def chunks() -> AsyncIterator[bytes]:
            lent.append(pool.lent)
            yield b"a,b\n"

        return StreamingResponse(chunks())

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as http:
        assert (await http.get("/export")).text == "a,b\n"
    assert lent == [1, 0]
