"""Creates the topics and waits until every node knows them: else a service that asks a node would refuse to run."""

import asyncio

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.metadata import MetadataRequest

from shared.errors import TransientError
from shared.kafka import new_client
from shared.settings import KafkaSettings
from shared.topics import create_topics, topics

_DEADLINE_SECONDS = 60.0
_POLL_SECONDS = 0.05


async def make_topics(settings: KafkaSettings) -> None:
    """Create the topics that are missing, and return when every node knows a leader for all of them.

    Raises:
        TransientError: a node did not know them all in time.
    """
    await create_topics(settings)
    names = {topic.name for topic in topics(settings)}
    client = new_client(settings.kafka)
    try:
        await client.bootstrap()
        async with asyncio.timeout(_DEADLINE_SECONDS):
            for broker in client.cluster.brokers():
                while not names <= await _known_to(client, broker.nodeId):  # noqa: ASYNC110 (it happens in another process)
                    await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise TransientError(f"a node of Kafka did not know all topics within {_DEADLINE_SECONDS} s") from None
    finally:
        await client.close()


async def _known_to(client: AIOKafkaClient, node_id: int) -> set[str]:
    """Return the topics of which this node knows a leader for every partition."""
    if not await client.ready(node_id):
        return set()
    metadata = (await client.send(node_id, MetadataRequest())).to_object()
    return {
        topic["topic"]
        for topic in metadata["topics"]
        if not topic["error_code"] and all(each["leader"] >= 0 for each in topic["partitions"])
    }
