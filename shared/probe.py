"""Questions that health checks ask a server: one at a time, and its answer for all who ask at about the same time."""

import asyncio
import time
from abc import ABC, abstractmethod
from typing import Self

PROBE_SECONDS = 1.5
"""For one question; a check waits at most for two."""
_FRESH_SECONDS = 0.5


class Probe(ABC):
    """A way to ask a server whether it can be worked with right now, by a connection of its own.

    Whoever asks within half a second of another gets the same answer.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._asked_at = -_FRESH_SECONDS
        self._problem: str | None = None

    async def problem(self) -> str | None:
        """Return what is wrong, within two seconds; None: nothing."""
        async with self._lock:
            if time.monotonic() - self._asked_at >= _FRESH_SECONDS:
                self._problem = await self._ask()
                self._asked_at = time.monotonic()
            return self._problem

    @abstractmethod
    async def _ask(self) -> str | None:
        """Return what is wrong, within `PROBE_SECONDS`; None: nothing."""

    @abstractmethod
    async def close(self) -> None:
        """Give the connection up; the next question makes another."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
