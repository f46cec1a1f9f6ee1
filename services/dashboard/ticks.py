"""Events with ticks between them: whoever waits for something else too, or has to stop, is not held up."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

ItemT = TypeVar("ItemT")


async def with_ticks(
    events: AsyncGenerator[ItemT, None], stopping: asyncio.Event, seconds: float
) -> AsyncIterator[ItemT | None]:
    """Give the events as they come, and None after each pause; end with them, or at once when `stopping` is set."""
    stop, coming = asyncio.ensure_future(stopping.wait()), asyncio.ensure_future(anext(events))
    try:
        while True:
            await asyncio.wait({stop, coming}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if stop.done():
                return
            if not coming.done():
                yield None
                continue
            try:
                yield coming.result()
            except StopAsyncIteration:
                return
            coming = asyncio.ensure_future(anext(events))
    finally:
        stop.cancel()
        coming.cancel()
        await asyncio.wait({coming})
        await events.aclose()
