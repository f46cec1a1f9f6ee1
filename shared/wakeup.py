"""A wait of a background task that others can shorten."""

import asyncio
from contextlib import suppress


class Wakeup:
    """A wait for work; what `wake` says while nobody waits is heard by the next wait."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End the wait of now, or the next: there is work."""
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Wait until woken, `seconds` at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()
