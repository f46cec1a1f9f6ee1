"""The pool of connections to the database `optout`, with the deadlines that every statement has."""

import asyncio
from contextlib import suppress
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolAcquireContext

from shared.errors import TransientError
from shared.postgres import connecting

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

STATEMENT_SECONDS = 30.0
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 0.5
ZOMBIE_SECONDS = 10
"""A process that sleeps inside its transaction would block its successor on the position's row forever."""

UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # where the connection breaks in the middle of a COPY or of a roll-back
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.TransactionRollbackError,
)
"""The errors that Postgres raises when it is unavailable, full, or has ended a transaction: to be tried again."""


def connection_of(pool: Pool) -> "PoolAcquireContext[asyncpg.Record]":
    """Return a connection for an `async with` block; waiting for one has a deadline too."""
    return pool.acquire(timeout=CONNECT_SECONDS)


async def open_pool(url: str, size: int) -> Pool:
    """Connect.

    Raises:
        TransientError: Postgres does not answer.
        MisconfiguredError: it answers, and refuses this database, user or certificate.
    """
    try:
        with connecting("STOPLINE_OPTOUT_DATABASE_URL", url):
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


async def close_pool(pool: Pool) -> None:
    """Close the connections, also where Postgres is unavailable or a query is under way."""
    with suppress(*UNAVAILABLE):
        await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
    pool.terminate()
