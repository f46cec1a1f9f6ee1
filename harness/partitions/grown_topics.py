"""Gives topics more partitions; nothing is taken from one but `suppressions`, which is written again from Postgres."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError, for_code

from shared.errors import MisconfiguredError, TransientError
from shared.failpoints import failpoint
from shared.kafka import SEND_SECONDS, START_SECONDS, new_admin, within
from shared.settings import KafkaSettings
from shared.topic_identity import topic_identities
from shared.topics import (
    DELIVERY_EVENTS,
    EVIDENCE_ANCHORS,
    INBOUND_MESSAGES,
    OPT_OUT_EVENTS,
    OUTBOUND_MESSAGES,
    SUPPRESSIONS,
    check_topics,
    create_topics,
)

GROWN = (INBOUND_MESSAGES, DELIVERY_EVENTS, OPT_OUT_EVENTS, OUTBOUND_MESSAGES, EVIDENCE_ANCHORS)
_READY_SECONDS = 60.0
_LOOK_SECONDS = 0.3


async def partition_counts(settings: KafkaSettings) -> dict[str, int]:
    """Return how many partitions each of the topics has that are placed by phone; one that is missing is left out."""
    admin = await _started(settings)
    try:
        return await _counts(admin)
    finally:
        await admin.close()


async def grow(settings: KafkaSettings) -> None:
    """Give every topic `settings.partitions`; whatever has them already is left alone.

    `inbound-messages` comes first: from then on no service that still has the old number decides or sends anything.

    Raises:
        TransientError: Kafka is unavailable, or refuses.
    """
    admin = await _started(settings)
    try:
        for topic in GROWN:
            if (await _counts(admin)).get(topic, settings.partitions) < settings.partitions:
                asked = admin.create_partitions({topic: NewPartitions(settings.partitions)})
                await within(START_SECONDS, asked, f"giving {topic} more partitions")
                failpoint("partitions.one_grown")
        failpoint("partitions.grown")
        if (await _counts(admin)).get(SUPPRESSIONS, settings.partitions) != settings.partitions:
            await _delete(admin, SUPPRESSIONS)
            failpoint("partitions.suppressions_deleted")
    finally:
        await admin.close()
    await _until_as_it_must_be(settings)


async def identities(settings: KafkaSettings) -> dict[str, str]:
    """Return which topics there are now."""
    admin = await _started(settings)
    try:
        names = INBOUND_MESSAGES, DELIVERY_EVENTS, OUTBOUND_MESSAGES
        return await topic_identities(admin._client, *names)  # noqa: SLF001 (asked by hand)
    finally:
        await admin.close()


async def _started(settings: KafkaSettings) -> AIOKafkaAdminClient:
    admin = new_admin(settings.kafka)
    await within(START_SECONDS, admin.start(), "connecting to Kafka")
    return admin


async def _counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    asked = admin.describe_topics([*GROWN, SUPPRESSIONS])
    described = await within(SEND_SECONDS, asked, "asking for the topics")
    return {row["topic"]: len(row["partitions"]) for row in described if not row["error_code"]}


async def _delete(admin: AIOKafkaAdminClient, topic: str) -> None:
    answer = await within(START_SECONDS, admin.delete_topics([topic]), f"deleting {topic}")
    for name, code, *_ in answer.topic_error_codes:
        if code not in (0, UnknownTopicOrPartitionError.errno):
            raise TransientError(f"deleting {name}: {for_code(code).__name__}")


async def _until_as_it_must_be(settings: KafkaSettings) -> None:
    """Make what is missing, and wait until every broker says so: a topic that was deleted is seen for a moment."""
    problem: Exception | None = None
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while True:
                try:
                    await create_topics(settings)
                    await check_topics(settings)
                except (MisconfiguredError, KafkaError, OSError) as error:
                    problem = error
                else:
                    return
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise TransientError(f"the topics are not as they must be: {problem}") from problem
