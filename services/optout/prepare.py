"""The preparation that both processes wait for: Postgres with its tables, Kafka with the right topics."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.errors import KafkaError

from services.optout.record.access import check_record_is_kept
from services.optout.record.connection import UNAVAILABLE, Connection, Pool, close_pool, connection_of, open_pool
from services.optout.settings import DatabaseSettings
from shared.errors import MisconfiguredError, TransientError
from shared.migrations import migrate, pending
from shared.topics import check_topics

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
_START_SECONDS = 60.0
_RETRY_SECONDS = 0.5


@asynccontextmanager
async def prepared(settings: DatabaseSettings, connections: int) -> AsyncIterator[Pool]:
    """Wait for Postgres and Kafka, check the topics, run the migrations; give a pool of that many connections.

    Where one role owns all, whichever process comes first runs the migrations, under the lock that they have.

    Raises:
        MisconfiguredError: something does not answer, or is not as it must be.
    """
    pool = await _prepare(settings, connections)
    try:
        yield pool
    finally:
        await close_pool(pool)


async def _prepare(settings: DatabaseSettings, connections: int) -> Pool:
    waiting_for = "nothing yet"
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                try:
                    return await _prepare_once(settings, connections)
                except (TransientError, KafkaError, *UNAVAILABLE) as error:
                    if str(error) != waiting_for:
                        waiting_for = str(error)
                        log.warning("waiting for Postgres and Kafka: %s", waiting_for)
                await asyncio.sleep(_RETRY_SECONDS)
    except TimeoutError:
        raise MisconfiguredError(
            f"Postgres (STOPLINE_OPTOUT_DATABASE_URL) or Kafka (STOPLINE_KAFKA_BOOTSTRAP) did not answer within"
            f" {_START_SECONDS:.0f} s: {waiting_for}"
        ) from None


async def _have_tables(connection: Connection, settings: DatabaseSettings) -> None:
    """Make the tables where the role owns them and that is accepted; else see that their owner has made them."""
    if settings.unprotected_record:
        for name in await migrate(connection, MIGRATIONS):
            log.info("migrated: %s", name)
        return
    await check_record_is_kept(connection)
    missing = await pending(connection, MIGRATIONS)
    if missing:
        raise TransientError(
            f"the tables are older than the service, `stopline migrate` has to run: {', '.join(missing)}"
        )


async def _prepare_once(settings: DatabaseSettings, connections: int) -> Pool:
    await check_topics(settings)
    pool = await open_pool(settings.optout_database_url.get_secret_value(), connections)
    try:
        async with connection_of(pool) as connection:
            await _have_tables(connection, settings)
    except BaseException:
        await close_pool(pool)
        raise
    return pool
