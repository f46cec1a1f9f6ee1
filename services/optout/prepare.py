"""The preparation that both processes wait for: Postgres with its tables, Kafka with the right topics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from services.optout.decision_log.access import check_record_is_kept
from services.optout.decision_log.partition_changes import check_no_change
from services.optout.settings import DatabaseSettings
from shared.errors import TransientError
from shared.migrations import migrate, pending
from shared.postgres import Connection, Pool, close_pool, connection_from, open_pool, until_available
from shared.topics import check_topics

MIGRATIONS = Path(__file__).parent / "migrations"


@asynccontextmanager
async def prepared(settings: DatabaseSettings, connections: int) -> AsyncIterator[Pool]:
    """Wait for Postgres and Kafka, check the topics, run the migrations; give a pool of that many connections.

    Where one role owns all, whichever process comes first runs the migrations, under the lock that they have.

    Raises:
        MisconfiguredError: something does not answer, or is not as it must be.
    """
    setting = settings.database.setting
    pool = await until_available(partial(_prepare, settings, connections), setting)
    try:
        yield pool
    finally:
        await close_pool(pool)


async def _have_tables(connection: Connection, settings: DatabaseSettings) -> None:
    """Make the tables where the role owns them and that is accepted; else see that their owner has made them."""
    if settings.unprotected_record:
        await migrate(connection, MIGRATIONS)
        return
    await check_record_is_kept(connection)
    missing = await pending(connection, MIGRATIONS)
    if missing:
        raise TransientError(
            f"the tables are older than the service, `stopline migrate` has to run: {', '.join(missing)}"
        )


async def _prepare(settings: DatabaseSettings, connections: int) -> Pool:
    await check_topics(settings)
    pool = await open_pool(settings.database, connections)
    try:
        async with connection_from(pool) as connection:
            await _have_tables(connection, settings)
            await check_no_change(connection)
    except BaseException:
        await close_pool(pool)
        raise
    return pool
