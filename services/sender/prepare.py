"""Before the sender runs: Postgres and Kafka answer, tables and topics are as they must be, the cache has a folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from services.sender.ledger.topics import belong
from services.sender.settings import SenderSettings
from shared.kafka import SEND_SECONDS, START_SECONDS, new_admin, within
from shared.migrations import migrate
from shared.postgres import Pool, close_pool, connection_from, open_pool, until_available
from shared.suppressions.folder import own_cache_folder
from shared.topic_identity import topic_identities
from shared.topics import OUTBOUND_MESSAGES, check_topics

MIGRATIONS = Path(__file__).parent / "migrations"


@asynccontextmanager
async def prepared(settings: SenderSettings) -> AsyncIterator[tuple[SenderSettings, Pool]]:
    """Yield the settings, with a folder of our own and the group of the topic that is there, and the ledger's pool.

    Raises:
        MisconfiguredError: something is not as it must be, or does not answer.
    """
    with own_cache_folder(settings.cache_dir, "STOPLINE_CACHE_DIR") as folder:
        settings = settings.model_copy(update={"cache_dir": folder})
        settings, pool = await until_available(partial(_prepare, settings), settings.database.setting)
        try:
            yield settings, pool
        finally:
            await close_pool(pool)


async def _prepare(settings: SenderSettings) -> tuple[SenderSettings, Pool]:
    await check_topics(settings)
    pool = await open_pool(settings.database, settings.database_connections)
    try:
        async with connection_from(pool) as connection:
            await migrate(connection, MIGRATIONS)
            identity, consumed = await _topic(settings)
            generation = await belong(connection, identity, consumed=consumed)
    except BaseException:
        await close_pool(pool)
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
