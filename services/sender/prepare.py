"""Before the sender runs: Postgres and Kafka answer, tables and topics are as they must be, the cache has a folder."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.errors import KafkaError

from services.sender.ledger.connection import UNAVAILABLE, Pool, open_pool
from services.sender.ledger.topics import belong
from services.sender.settings import SenderSettings
from shared.errors import MisconfiguredError, TransientError
from shared.kafka import SEND_SECONDS, START_SECONDS, new_admin, within
from shared.migrations import migrate
from shared.topic_identity import topic_identities
from shared.topics import OUTBOUND_MESSAGES, check_topics

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
_START_SECONDS = 60.0
_RETRY_SECONDS = 0.5


@asynccontextmanager
async def prepared(settings: SenderSettings) -> AsyncIterator[tuple[SenderSettings, Pool]]:
    """Yield the settings, with the consumer group of the topic that is there, and the ledger's pool.

    Raises:
        MisconfiguredError: something is not as it must be, or does not answer.
    """
    settings, pool = await _prepare(settings)
    try:
        yield settings, pool
    finally:
        pool.terminate()


async def _prepare(settings: SenderSettings) -> tuple[SenderSettings, Pool]:
    _make_folder(settings.cache_dir)
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                try:
                    return await _prepare_once(settings)
                except (TransientError, KafkaError, *UNAVAILABLE) as error:
                    log.warning("waiting for Postgres and Kafka: %s", error)
                    await asyncio.sleep(_RETRY_SECONDS)
    except TimeoutError:
        raise MisconfiguredError(
            "Postgres (STOPLINE_SENDER_DATABASE_URL) or Kafka (STOPLINE_KAFKA_BOOTSTRAP) did not answer"
            f" within {_START_SECONDS:.0f} s"
        ) from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise MisconfiguredError(f"STOPLINE_CACHE_DIR: {error.strerror}: {folder}") from None


async def _prepare_once(settings: SenderSettings) -> tuple[SenderSettings, Pool]:
    await check_topics(settings)
    pool = await open_pool(settings.sender_database_url.get_secret_value(), settings.database_connections)
    try:
        async with pool.acquire() as connection:
            for name in await migrate(connection, MIGRATIONS):
                log.info("migrated: %s", name)
            identity, consumed = await _topic(settings)
            generation = await belong(connection, identity, consumed=consumed)
    except BaseException:
        pool.terminate()
        raise
    if generation:
        settings = settings.model_copy(update={"sender_group_id": f"{settings.sender_group_id}-{generation}"})
    return settings, pool


async def _topic(settings: SenderSettings) -> tuple[str, bool]:
    """Return which `outbound-messages` is there, and whether the group has committed offsets of it."""
    admin = new_admin(settings.kafka)
    await within(START_SECONDS, admin.start(), "connecting to Kafka")
    try:
        identities = await topic_identities(admin._client, OUTBOUND_MESSAGES)  # noqa: SLF001 (asked by hand)
        asked = admin.list_consumer_group_offsets(settings.sender_group_id)
        committed = await within(SEND_SECONDS, asked, "asking for the committed offsets")
    finally:
        await within(SEND_SECONDS, admin.close(), "disconnecting")
    consumed = any(at.offset > 0 for partition, at in committed.items() if partition.topic == OUTBOUND_MESSAGES)
    return identities[OUTBOUND_MESSAGES], consumed
