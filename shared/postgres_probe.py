"""Whether Postgres answers right now, for health checks."""

import asyncio
import time

import asyncpg

_SECONDS = 1.5
_FRESH_SECONDS = 0.5


class PostgresProbe:
    """A connection of its own: one of a pool waits, when it is given back, for a server that is frozen.

    Whoever asks within half a second of another gets the same answer.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
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

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(_SECONDS):
                if self._connection is None or self._connection.is_closed():  # the server may be another by now
                    self._connection = await asyncpg.connect(self._url)
                await self._connection.fetchval("SELECT 1")
        except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await self.close()
            return f"Postgres does not answer: {error!r}"
        return None
