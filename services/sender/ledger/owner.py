"""This process in the ledger: the number recorded with its claims, locked for as long as the process lives.

The lock is Postgres' own (a session's advisory lock), so it ends with the process however that ends: a successor knows
at once that the calls of a process that was killed have lost their results.
"""

import asyncio
import secrets

import asyncpg

from shared.errors import TransientError
from shared.postgres import POSTGRES_UNAVAILABLE, DatabaseAddress, connect

_NUMBER_BITS = 62

LIVING = """
SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""The numbers that living processes hold."""


class Owner:
    """An owner, which holds the lock on `number` with a connection of its own.

    Args:
        address: of the database.
    """

    def __init__(self, address: DatabaseAddress) -> None:
        self.number = secrets.randbits(_NUMBER_BITS)
        self._address = address
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._taking = asyncio.Lock()

    async def hold(self) -> None:
        """Take the lock if it is not held; to be called before every claim for a call (dropping needs no living owner).

        Raises:
            TransientError: Postgres is unavailable.
        """
        async with self._taking:
            if self._connection is None or self._connection.is_closed():
                await self._take()

    async def _take(self) -> None:
        connection = None
        try:
            connection = await connect(self._address)
            await connection.execute("SELECT pg_advisory_lock($1)", self.number)
        except POSTGRES_UNAVAILABLE as error:
            if connection is not None:
                connection.terminate()
            raise TransientError(f"Postgres does not give the owner's lock: {error!r}") from error
        self._connection = connection

    def release(self) -> None:
        """Let the lock go."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
