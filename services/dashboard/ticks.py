"""Events with ticks between them: whoever waits for something else too, or has to stop, is not held up."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

ItemT = TypeVar("ItemT")


async def newest_with_ticks(
    events: AsyncGenerator[ItemT, None], stopping: asyncio.Event, seconds: float
) -> AsyncIterator[ItemT | None]:
    """Give the newest event once there is one, and None after each pause; end with them, or once `stopping` is set.

    Of the events that came while the one before was worked on, only the last is given: who is slow misses some, and
    still gets the newest.
    """
    newest: list[ItemT] = []
    came = asyncio.Event()

    async def read() -> None:
        async for event in events:
            newest[:] = [event]
            came.set()

    stop, reading = asyncio.ensure_future(stopping.wait()), asyncio.ensure_future(read())
    try:
        while not stop.done():
            coming = asyncio.ensure_future(came.wait())
            await asyncio.wait({stop, coming, reading}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            coming.cancel()
            if newest:
                came.clear()
                yield newest.pop()
            elif reading.done():
                reading.result()
                return
            elif not stop.done():
                yield None
    finally:
        stop.cancel()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await events.aclose()
