"""Whether Postgres answers right now, for health checks."""

import asyncio

import asyncpg

from shared.probe import PROBE_SECONDS, Probe


class PostgresProbe(Probe):
    """A connection for health checks: one of a pool waits, when it is given back, for a server that is frozen."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                if self._connection is None or self._connection.is_closed():  # the server may be another by now
                    self._connection = await asyncpg.connect(self._url)
                await self._connection.fetchval("SELECT 1")
        except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await self.close()
            return f"Postgres does not answer: {error!r}"
        return None
