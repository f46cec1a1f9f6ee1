"""Waits on conditions."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(
    what: str, condition: Callable[[], Awaitable[bool]], timeout_seconds: float = 30.0, look_seconds: float = 0.05
) -> None:
    """Wait for something that happens in other processes.

    Raises:
        AssertionError: it did not happen.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            while not await condition():  # noqa: ASYNC110 (it happens in other processes)
                await asyncio.sleep(look_seconds)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {timeout_seconds:.0f} s") from None
