"""This process in the ledger: the number recorded with its claims, locked for as long as the process lives.

The lock is Postgres' own (a session's advisory lock), so it ends with the process however that ends: a successor knows
at once that the calls of a process that was killed have lost their results. Where one is frozen, or its machine is
gone without a word, Postgres ends the session itself: what it had taken would else wait until TCP gives up, for hours.
"""

import asyncio
import logging
import secrets

import asyncpg

from shared.errors import TransientError
from shared.postgres import POSTGRES_UNAVAILABLE, DatabaseAddress, connect

log = logging.getLogger(__name__)

_NUMBER_BITS = 62
IDLE_SECONDS = 30.0
"""A session from which nothing comes for this long has lost its process."""
_KEEPS_PER_IDLE = 6

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
        idle_seconds: for how long the lock outlives the last sign of this process.
    """

    def __init__(self, address: DatabaseAddress, idle_seconds: float = IDLE_SECONDS) -> None:
        self.number = secrets.randbits(_NUMBER_BITS)
        self._address = address
        self._idle_seconds = idle_seconds
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

    async def keep(self) -> None:
        """Give signs of life, and take the lock again where it was lost, until cancelled."""
        while True:
            try:
                await self.hold()
                await self._give_sign()
            except TransientError as error:
                log.warning("this process may be taken for dead, and what it has at hand is done by others: %s", error)
            await asyncio.sleep(self._idle_seconds / _KEEPS_PER_IDLE)

    async def _give_sign(self) -> None:
        async with self._taking:
            if self._connection is None:
                return
            try:
                await self._connection.execute("SELECT")
            except POSTGRES_UNAVAILABLE as error:
                self.release()
                raise TransientError(f"Postgres has ended the owner's session: {error!r}") from error

    async def _take(self) -> None:
        connection = None
        try:
            connection = await connect(self._address)
            idle = f"{self._idle_seconds * 1000:.0f}"
            await connection.execute("SELECT set_config('idle_session_timeout', $1, false)", idle)
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
