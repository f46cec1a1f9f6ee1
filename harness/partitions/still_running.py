"""Finds what still runs: nothing may, while the number of partitions changes."""

import asyncio
from collections.abc import Sequence

from aiokafka import TopicPartition

from shared.errors import TransientError
from shared.kafka import SEND_SECONDS, START_SECONDS, assigned_consumer, new_transactional_producer, within
from shared.postgres import Connection
from shared.settings import KafkaSettings
from shared.topics import INBOUND_MESSAGES, INBOUND_STATUS

_GONE_SECONDS = 10.0
_LOOK_SECONDS = 1.0
_BEATS_PER_GAP = 8
_BEYOND_A_BEAT_SECONDS = 1.0

# Of other roles' sessions, such as the API's, nothing is shown to ours but that they are there: `backend_type` is NULL.
_SESSIONS = """
SELECT usename || ' (process ' || pid || coalesce(' at ' || client_addr, '') || ')' AS shown FROM pg_stat_activity
WHERE datname = current_database() AND pid <> ALL($1::int[]) AND usename IS NOT NULL
    AND coalesce(backend_type, 'client backend') = 'client backend'
ORDER BY pid
"""


async def check_all_stopped(
    settings: KafkaSettings, databases: Sequence[Connection], partitions: int, gap_seconds: float
) -> None:
    """Wait until nothing runs any more, for a while: whatever decides, sends or answers customers has a session.

    What receives replies has none, but writes heartbeats.

    Raises:
        TransientError: something still runs, or Kafka is unavailable.
    """
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_wait_until_gone(databases))
        tasks.create_task(_check_nobody_writes(settings, partitions, gap_seconds))


async def _wait_until_gone(databases: Sequence[Connection]) -> None:
    found: list[str] = []
    try:
        async with asyncio.timeout(_GONE_SECONDS):
            while found := await _sessions(databases):  # noqa: ASYNC110 (it is elsewhere)
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise TransientError(f"stop every service first; these still run: {'; '.join(found)}") from None


async def _sessions(databases: Sequence[Connection]) -> list[str]:
    ours = [connection.get_server_pid() for connection in databases]
    return [f"a session of {row['shown']}" for each in databases for row in await each.fetch(_SESSIONS, ours)]


async def _check_nobody_writes(settings: KafkaSettings, partitions: int, gap_seconds: float) -> None:
    """See that for longer than a heartbeat takes nothing is written by whoever receives replies: it has no group."""
    places = [TopicPartition(INBOUND_STATUS, 0), *(TopicPartition(INBOUND_MESSAGES, n) for n in range(partitions))]
    async with assigned_consumer(settings.kafka, places) as consumer:
        before = await within(SEND_SECONDS, consumer.end_offsets(places), "asking for the ends")
        await asyncio.sleep(gap_seconds / _BEATS_PER_GAP + _BEYOND_A_BEAT_SECONDS)
        after = await within(SEND_SECONDS, consumer.end_offsets(places), "asking for the ends")
    if changed := sorted({place.topic for place in places if after[place] != before[place]}):
        raise TransientError(f"stop every service first: something still writes to {' and '.join(changed)}")


async def fence_off(settings: KafkaSettings, group_id: str, partitions: int) -> None:
    """End what pipelines that were killed have left: their transactions, and that they could go on.

    Raises:
        TransientError: Kafka is unavailable.
    """
    for partition in range(partitions):
        producer = new_transactional_producer(settings.kafka, f"{group_id}-{partition}")
        try:
            await within(START_SECONDS, producer.start(), "fencing off pipelines")
        finally:
            await within(SEND_SECONDS, producer.stop(), "disconnecting")
