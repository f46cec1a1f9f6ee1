"""For a moment after a freeze Kafka names no node: a client waits for one, and does not look as if it had a bug."""

import pytest
from aiokafka.client import CoordinationType
from aiokafka.errors import NodeNotReadyError

from shared.kafka import new_consumer, new_producer, new_transactional_producer

NOWHERE = "127.0.0.1:1"


async def test_whoever_looks_for_a_coordinator_among_no_nodes_is_asked_to_wait() -> None:
    producers = [new_producer(NOWHERE), new_transactional_producer(NOWHERE, "optout-0")]
    consumer = new_consumer(NOWHERE, group_id="sender")
    try:
        for client in (*(each.client for each in producers), consumer._client):
            with pytest.raises(NodeNotReadyError) as refused:
                await client.coordinator_lookup(CoordinationType.GROUP, "any")
            assert refused.value.retriable, "aiokafka asks again"
    finally:
        for each in (*producers, consumer):
            await each.stop()
