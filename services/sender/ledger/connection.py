"""The pool of connections to the database `sender`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from shared.errors import TransientError
from shared.postgres import connecting

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

STATEMENT_SECONDS = 15.0
CONNECT_SECONDS = 10.0
ZOMBIE_SECONDS = 10
"""A process that sleeps inside its transaction would block others on its rows indefinitely."""

UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # where the connection breaks in the middle of a COPY or of a roll-back
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)
"""What Postgres raises when it is unavailable or full, or has ended a transaction: to be tried again."""


async def open_pool(url: str, size: int) -> Pool:
    """Connect.

    Raises:
        TransientError: Postgres does not answer.
        MisconfiguredError: it answers, and refuses this database, user or certificate.
    """
    try:
        with connecting("STOPLINE_SENDER_DATABASE_URL", url):
            return await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=size,
                timeout=CONNECT_SECONDS,
                command_timeout=STATEMENT_SECONDS,
                server_settings={"idle_in_transaction_session_timeout": str(ZOMBIE_SECONDS * 1000)},
            )
    except UNAVAILABLE as error:
        raise TransientError(f"Postgres does not answer: {error!r}") from error


@asynccontextmanager
async def session(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection.

    Raises:
        TransientError: Postgres is unavailable, or was before the `with` block ended: the last write may be there.
    """
    try:
        async with pool.acquire(timeout=CONNECT_SECONDS) as connection:
            yield connection
    except UNAVAILABLE as error:
        raise TransientError(f"Postgres: {error!r}") from error
