"""The pool of connections to the database `sender`."""

from typing import TypeAlias

import asyncpg

from shared.errors import TransientError

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

STATEMENT_SECONDS = 15.0
CONNECT_SECONDS = 10.0

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)
"""What Postgres raises when it is away or full: to be tried again."""


async def open_pool(url: str, size: int) -> Pool:
    """Connect.

    Raises:
        TransientError: Postgres does not answer.
    """
    try:
        return await asyncpg.create_pool(
            url, min_size=1, max_size=size, timeout=CONNECT_SECONDS, command_timeout=STATEMENT_SECONDS
        )
    except AWAY as error:
        raise TransientError(f"Postgres does not answer: {error!r}") from error
