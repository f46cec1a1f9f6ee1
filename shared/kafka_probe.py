"""Whether Kafka can be worked with right now: it answers, and the topics that a service needs have leaders."""

from collections.abc import Collection

from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata

from shared.errors import TransientError
from shared.kafka import new_client, within
from shared.kafka_connection import Kafka, connection
from shared.probe import PROBE_SECONDS, Probe

_REQUEST_TIMEOUT_MS = 1_500


class KafkaProbe(Probe):
    """A client for health checks.

    Args:
        kafka: how it is reached.
        topics: those without which the service cannot work.
    """

    def __init__(self, kafka: Kafka, topics: Collection[str]) -> None:
        super().__init__()
        self._kafka = connection(kafka)
        self._topics = topics
        self._client: AIOKafkaClient | None = None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _ask(self) -> str | None:
        try:
            cluster = await within(PROBE_SECONDS, self._metadata(), "asking Kafka for its topics")
        except TransientError:
            await self.close()  # the next one may find the cluster at other nodes
            return "Kafka does not answer"
        return problem_in(cluster, self._topics)

    async def _metadata(self) -> ClusterMetadata:
        if self._client is None:
            self._client = new_client(self._kafka, request_timeout_ms=_REQUEST_TIMEOUT_MS)
            await self._client.bootstrap()
        return await self._client.fetch_all_metadata()


def problem_in(cluster: ClusterMetadata, topics: Collection[str]) -> str | None:
    """Return what is wrong with the first of these topics that has something wrong with it; None: nothing."""
    return next(filter(None, (_of_topic(cluster, topic) for topic in topics)), None)


def _of_topic(cluster: ClusterMetadata, topic: str) -> str | None:
    partitions: set[int] = cluster.partitions_for_topic(topic) or set()
    if not partitions:
        return f"topic {topic} is not there"
    without = partitions - (cluster.available_partitions_for_topic(topic) or set())
    return f"partitions {sorted(without)} of topic {topic} have no leader" if without else None
