"""Connections to Postgres: opened, lent and closed with deadlines, and which of its errors are worth another try.

A wrong address, login or certificate is one line that names the setting.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar
from urllib.parse import parse_qs, urlsplit

import asyncpg
from aiokafka.errors import KafkaError

from shared.errors import MisconfiguredError, TransientError

log = logging.getLogger(__name__)

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

CONNECT_SECONDS = 10.0
IDLE_TRANSACTION_SECONDS = 12
"""After this time Postgres ends a session that sleeps inside its transaction: it would block a successor on its rows.

Longer than `shared.kafka.SEND_SECONDS`, since the sender publishes inside a transaction: whoever still waits for Kafka
is not asleep. Shorter than any statement's deadline: a statement that waits for such a row gets it at the first try.
"""
_CLOSE_SECONDS = 0.5
_START_SECONDS = 60.0
_RETRY_SECONDS = 0.5

POSTGRES_UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # where the connection breaks in the middle of a COPY or of a roll-back
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # after a failover, of a server that is a standby now
    asyncpg.TransactionRollbackError,
)
"""The errors of a Postgres that is unavailable or full, or has ended a transaction: to be tried again."""

_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""A server that stops in the middle of a handshake: no fault of the settings."""
_WRONG = (
    ValueError,  # also a certificate that is not trusted
    ssl.SSLError,
    asyncpg.ClientConfigurationError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
_NO_TLS = "rejected SSL upgrade"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """The address of a database, the setting that has it, and the deadline of each statement there."""

    url: str = field(repr=False)
    setting: str
    statement_seconds: float


async def connect(address: DatabaseAddress) -> "asyncpg.Connection[asyncpg.Record]":
    """Open a connection of its own, beside any pool.

    Raises:
        TransientError: Postgres does not answer.
        MisconfiguredError: it answers, and refuses this database, user or certificate.
    """
    with _connecting(address):
        return await asyncpg.connect(address.url, timeout=CONNECT_SECONDS, command_timeout=address.statement_seconds)


async def open_pool(address: DatabaseAddress, size: int) -> Pool:
    """Open a pool of up to `size` connections; raises as `connect` does."""
    with _connecting(address):
        return await asyncpg.create_pool(
            address.url,
            min_size=1,
            max_size=size,
            timeout=CONNECT_SECONDS,
            command_timeout=address.statement_seconds,
            reset=_keep,
            server_settings={"idle_in_transaction_session_timeout": str(IDLE_TRANSACTION_SECONDS * 1000)},
        )


async def _keep(_: object) -> None:
    """Give a connection back as it is: by default each loan ends with a question to Postgres that resets the session.

    No borrower changes the session beyond its transaction, which asyncpg ends in any case.
    """


async def open_pool_to_read(address: DatabaseAddress, size: int, seconds: float) -> Pool:
    """Open a pool that only reads; where Postgres is unavailable it connects when it is used.

    Args:
        address: of the database.
        size: of its connections, all of which are opened now, if that is possible.
        seconds: the deadline of a statement.

    Raises:
        MisconfiguredError: Postgres answers, and refuses this database, user or certificate.
    """
    for open_now in (size, 0):
        pool = asyncpg.create_pool(
            address.url,
            min_size=open_now,
            max_size=size,
            timeout=CONNECT_SECONDS,
            command_timeout=seconds,
            reset=_keep,
            server_settings={"default_transaction_read_only": "on"},
        )
        try:
            with _connecting(address):
                return await pool
        except TransientError as error:
            log.warning("going on without Postgres: %s", error)
    raise AssertionError("a pool without connections opens")


@asynccontextmanager
async def connection_from(pool: Pool, seconds: float = CONNECT_SECONDS) -> AsyncIterator[Connection]:
    """Lend a connection of the pool; waiting for one has a deadline too.

    Raises:
        TransientError: Postgres is unavailable, or was before the `with` block ended: the last write may be there.
    """
    try:
        async with pool.acquire(timeout=seconds) as connection:
            yield connection
    except POSTGRES_UNAVAILABLE as error:
        raise TransientError(f"Postgres: {error!r}") from error


async def close_pool(pool: Pool) -> None:
    """Close the connections, also where Postgres is unavailable or a query is under way."""
    with suppress(*POSTGRES_UNAVAILABLE):
        await asyncio.wait_for(pool.close(), _CLOSE_SECONDS)
    pool.terminate()


async def until_available(prepare: Callable[[], Awaitable[T]], setting: str) -> T:
    """Return what `prepare` does, once Postgres and Kafka are available to it.

    Args:
        prepare: called again and again while it raises an error of an unavailable server.
        setting: the one with the address of the database.

    Raises:
        MisconfiguredError: one of them did not answer within a minute, or `prepare` raised it.
    """
    waiting_for = "nothing yet"
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                try:
                    return await prepare()
                except (TransientError, KafkaError, *POSTGRES_UNAVAILABLE) as error:
                    if str(error) != waiting_for:
                        waiting_for = str(error)
                        log.warning("waiting for Postgres and Kafka: %s", waiting_for)
                await asyncio.sleep(_RETRY_SECONDS)
    except TimeoutError:
        raise MisconfiguredError(
            f"Postgres ({setting}) or Kafka (STOPLINE_KAFKA_BOOTSTRAP) did not answer within {_START_SECONDS:.0f} s:"
            f" {waiting_for}"
        ) from None


@contextmanager
def _connecting(address: DatabaseAddress) -> Iterator[None]:
    """Connect to `address` in the `with` block; raises as `connect` does."""
    setting = address.setting
    _check_files(setting, address.url)
    try:
        yield
    except _ENDED as error:
        raise _unanswered(setting, error) from error
    except _WRONG as error:
        raise MisconfiguredError(f"{setting}: {error}") from None
    except POSTGRES_UNAVAILABLE as error:
        if isinstance(error, ConnectionError) and _NO_TLS in str(error):
            raise MisconfiguredError(f"{setting}: the server has no TLS: {error}") from None
        raise _unanswered(setting, error) from error


def _unanswered(setting: str, error: BaseException) -> TransientError:
    return TransientError(f"Postgres does not answer ({setting}): {error!r}")


def _check_files(setting: str, url: str) -> None:
    """See that each file can be read: asyncpg's error for one that cannot looks like that of an unavailable server."""
    asked = parse_qs(urlsplit(url).query)
    for name in _FILES:
        for path in asked.get(name, ()):
            try:
                Path(path).open("rb").close()
            except OSError as error:
                raise MisconfiguredError(f"{setting}: {name}: {path}: {error.strerror}") from None
