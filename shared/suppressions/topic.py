"""The topic `suppressions` for a consumer without a group: where it begins and ends, and which it is."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.consumer import Consumer
from shared.errors import TransientError
from shared.kafka import SEND_SECONDS, assigned_consumer, within
from shared.kafka_connection import Kafka
from shared.suppressions.snapshot import Origin

_FETCH_BYTES = 4 * 1024 * 1024


class TruncatedTopicError(TransientError):
    """The topic does not have all that was written to it."""


class SuppressionsTopic:
    """The topic `suppressions`: every call has a deadline and raises `TransientError` where Kafka is unavailable.

    Lists are by partition.
    """

    def __init__(self, kafka: Kafka, partitions: int, name: str) -> None:
        self._kafka = kafka
        self._name = name
        self._partitions = [TopicPartition(name, partition) for partition in range(partitions)]

    def consumer(self) -> AbstractAsyncContextManager[Consumer]:
        """Lend a consumer of all partitions, which reads nothing before `seek`."""
        return assigned_consumer(self._kafka, self._partitions, max_partition_fetch_bytes=_FETCH_BYTES)

    def origin(self, identities: Mapping[str, str]) -> Origin:
        """Return which topic this is."""
        return Origin(identities[self._name], self._name, len(self._partitions))

    async def ends(self, consumer: AIOKafkaConsumer) -> list[int]:
        """Return the offsets below which every transaction has ended; checks that nothing is missing before.

        Raises:
            TruncatedTopicError: the topic does not begin at offset 0; compaction never does that.
        """
        begins = await within(SEND_SECONDS, consumer.beginning_offsets(self._partitions), "asking for the begins")
        if any(begins.values()):
            found = {at.partition: offset for at, offset in begins.items() if offset}
            raise TruncatedTopicError(
                f"{self._name} has lost its first records (partition and first offset: {found}); restore the topic"
            )
        ends = await within(SEND_SECONDS, consumer.end_offsets(self._partitions), "asking for the ends")
        return [ends[partition] for partition in self._partitions]

    def seek(self, consumer: AIOKafkaConsumer, positions: Sequence[int]) -> None:
        for partition, position in zip(self._partitions, positions, strict=True):
            consumer.seek(partition, position)

    async def positions(self, consumer: AIOKafkaConsumer) -> list[int]:
        """Return the next offsets; transactions and compaction leave gaps, so they are not those after the last record.

        Raises:
            TransientError: also where the consumer has lost its position.
        """

        async def ask() -> list[int]:
            return [await consumer.position(partition) for partition in self._partitions]

        return await within(SEND_SECONDS, ask(), "asking for the positions")

    def end_of(self, consumer: AIOKafkaConsumer, partition: int) -> int:
        """Return the end of a partition as of the last fetch, 0 before the first."""
        return consumer.last_stable_offset(self._partitions[partition]) or 0


class StuckDetector:
    """A detector of partitions that did not move between two looks although there was more to read.

    That happens to a consumer after a broker's restart.
    """

    def __init__(self, looks_every_seconds: float, now: float) -> None:
        self._seconds = looks_every_seconds
        self._looked_at = now
        self._unfinished: dict[int, int] = {}

    def is_due(self, now: float) -> bool:
        return now - self._looked_at >= self._seconds

    def look(self, now: float, positions: Mapping[int, int], ends: Mapping[int, int]) -> list[int]:
        """Return the partitions that are stuck; `positions` are the next offsets to read."""
        self._looked_at = now
        before = self._unfinished
        self._unfinished = {partition: at for partition, at in positions.items() if at < ends[partition]}
        return [partition for partition, at in self._unfinished.items() if before.get(partition) == at]
