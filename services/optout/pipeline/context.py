"""The context that all workers of a process share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.optout.record.connection import Pool
from services.optout.record.stored_rules import StoredRules
from services.optout.settings import OptOutSettings
from shared.kafka import SEND_SECONDS, within
from shared.topic_identity import topic_identities
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, SUPPRESSIONS


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """The context of the workers. `member` is the group's consumer; it reads nothing, so it answers questions at once.

    A broker answers a connection's requests in turn: a question after a fetch waits for the fetch.
    """

    settings: OptOutSettings
    pool: Pool
    member: AIOKafkaConsumer
    rules: StoredRules
    now: Callable[[], datetime] = utc_now

    async def begin_of(self, partition: TopicPartition) -> int:
        """Return the first offset that Kafka still has."""
        begins = await within(SEND_SECONDS, self.member.beginning_offsets([partition]), "asking for the begin")
        return int(begins[partition])

    async def end_of(self, partition: TopicPartition) -> int:
        """Return the offset of the next record to be written."""
        ends = await within(SEND_SECONDS, self.member.end_offsets([partition]), "asking for the end")
        return int(ends[partition])

    async def identities(self) -> dict[str, str]:
        """Return which topics are there now."""
        return await topic_identities(self.member._client, INBOUND_MESSAGES, DELIVERY_EVENTS, SUPPRESSIONS)  # noqa: SLF001 (asked by hand)
