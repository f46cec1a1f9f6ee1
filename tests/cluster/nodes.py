"""What the tests do with the nodes of a Kafka cluster, and ask it through librdkafka, which shares no code with us."""

import asyncio

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    PartitionMetadata,
    ResourceType,
)
from faults.waiting import until

from harness.kafka import KafkaCluster
from harness.stack.embedded import EmbeddedBackend
from harness.stack.stack import Stack
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OPT_OUT_EVENTS, OUTBOUND_MESSAGES, SUPPRESSIONS

REPLICAS = 3
TOPICS = (INBOUND_MESSAGES, OUTBOUND_MESSAGES, DELIVERY_EVENTS, OPT_OUT_EVENTS, SUPPRESSIONS)
_ASK_SECONDS = 5.0


class Nodes:
    """The nodes of a stack, numbered from 0 as the harness does; Kafka numbers them from 1."""

    def __init__(self, stack: Stack) -> None:
        assert isinstance(stack.backend, EmbeddedBackend)
        self._backend = stack.backend

    @property
    def cluster(self) -> KafkaCluster:
        return self._backend.kafka

    async def repair(self) -> None:
        """Bring back what an earlier test, which failed, stopped, and return when all replicas are in sync."""
        for node in self.cluster.nodes:
            if node.alive:
                node.resume()
        if not all(node.alive for node in self.cluster.nodes):
            await self.cluster.kill()
            await self.cluster.start()
        await self.require_in_sync(REPLICAS - 1)
        await self.until_in_sync()

    async def leader_of(self, topic: str, partition: int) -> int:
        """Return the node that has the partition now.

        Raises:
            AssertionError: none has it within half a minute.
        """
        found: list[int] = []

        async def has_leader() -> bool:
            partitions = await self._partitions()
            found.append(partitions[topic, partition].leader - 1 if (topic, partition) in partitions else -1)
            return found[-1] >= 0

        await until(f"partition {partition} of {topic} has a leader", has_leader)
        return found[-1]

    async def until_in_sync(self) -> None:
        """Return when every partition of Stopline's topics has all its replicas."""

        async def all_in_sync() -> bool:
            partitions = await self._partitions()
            return bool(partitions) and all(len(each.isrs) == REPLICAS for each in partitions.values())

        await until("all replicas are in sync", all_in_sync, 60, look_seconds=0.3)

    async def require_in_sync(self, copies: int) -> None:
        """Have Kafka refuse each record that fewer nodes would have."""
        least = ConfigEntry("min.insync.replicas", str(copies), incremental_operation=AlterConfigOpType.SET)
        resources = [ConfigResource(ResourceType.TOPIC, each, incremental_configs=[least]) for each in TOPICS]
        admin = self._admin()
        for changed in admin.incremental_alter_configs(resources).values():
            await asyncio.to_thread(changed.result, _ASK_SECONDS)

    async def _partitions(self) -> dict[tuple[str, int], PartitionMetadata]:
        try:
            found = await asyncio.to_thread(self._admin().list_topics, timeout=_ASK_SECONDS)
        except KafkaException:
            return {}
        return {(name, number): each for name in TOPICS for number, each in found.topics[name].partitions.items()}

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self._backend.kafka_bootstrap, "log_level": 0})
