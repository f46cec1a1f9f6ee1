"""A service's database, for one command: the one that a setting names, else that of the running stack."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

import asyncpg

from harness.cli.running_stack import running_stack
from shared.errors import MisconfiguredError, TransientError
from shared.postgres import POSTGRES_UNAVAILABLE, DatabaseAddress, connect

Service = Literal["optout", "sender"]
ResultT = TypeVar("ResultT")

_STATEMENT_SECONDS = 60.0
_CLOSE_SECONDS = 10.0
WRONG_DATABASE = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InsufficientPrivilegeError)


def in_database(service: Service, work: Callable[[Any], Awaitable[ResultT]]) -> ResultT:
    """Return the result of `work` with a connection to the service's database.

    Raises:
        TransientError: Postgres is unavailable.
        MisconfiguredError: it is another database, or refuses us; or no stack runs and no setting names a database.
    """
    setting = _setting(service)

    async def run() -> ResultT:
        async with open_database(service) as connection:
            return await work(connection)

    try:
        return asyncio.run(run())
    except WRONG_DATABASE as error:
        raise MisconfiguredError(f"{setting}: not a database of this version, or not ours to read: {error}") from None
    except POSTGRES_UNAVAILABLE as error:
        raise TransientError(f"Postgres ({setting}): {error!r}") from error


@asynccontextmanager
async def open_database(service: Service) -> AsyncIterator[Any]:
    """Lend a connection to the service's database; raises as `connect` does."""
    setting = _setting(service)
    url = os.environ.get(setting) or _of_the_running_stack(service)
    connection = await connect(DatabaseAddress(url, setting, _STATEMENT_SECONDS))
    try:
        yield connection
    finally:
        await connection.close(timeout=_CLOSE_SECONDS)


def _setting(service: Service) -> str:
    return f"STOPLINE_{service.upper()}_DATABASE_URL"


def _of_the_running_stack(service: Service) -> str:
    book = running_stack()
    return book.optout_database_url if service == "optout" else book.sender_database_url
