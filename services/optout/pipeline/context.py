"""The context that all workers of a process share."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.optout.decision_log.stored_rules import StoredRules
from services.optout.settings import OptOutSettings
from shared.kafka import SEND_SECONDS, within
from shared.postgres import Pool
from shared.topic_identity import topic_identities
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, SUPPRESSIONS

SOURCE = "stopline/optout"
"""The source of what the pipeline publishes and parks, in the records' headers."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """The context of the workers.

    `idle_consumer` is our membership of the group and reads nothing: each worker has a consumer of its own. So a
    question that is asked through it never waits for a fetch, as it would where a broker answers requests in turn.
    `former_partitions` are the numbers of partitions that there were before.
    """

    settings: OptOutSettings
    pool: Pool
    idle_consumer: AIOKafkaConsumer
    rules: StoredRules
    now: Callable[[], datetime] = utc_now
    former_partitions: Collection[int] = ()

    async def beginning_offset(self, partition: TopicPartition) -> int:
        """Return the first offset that Kafka still has."""
        offsets = await within(
            SEND_SECONDS, self.idle_consumer.beginning_offsets([partition]), "asking for the beginning offset"
        )
        return int(offsets[partition])

    async def end_offset(self, partition: TopicPartition) -> int:
        """Return the offset of the next record to be written."""
        offsets = await within(SEND_SECONDS, self.idle_consumer.end_offsets([partition]), "asking for the end offset")
        return int(offsets[partition])

    async def topic_ids(self) -> dict[str, str]:
        """Return which topics are there now."""
        return await topic_identities(self.idle_consumer._client, INBOUND_MESSAGES, DELIVERY_EVENTS, SUPPRESSIONS)  # noqa: SLF001 (asked by hand)
