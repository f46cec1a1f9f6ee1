"""A short use of a broker that loads the classes a stack will need, for the class archive."""

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

_TOPIC = "warm-up"
_GROUP = "warm-up"


async def use_every_path(bootstrap: str) -> None:
    """Create a topic, produce in a transaction with consumed offsets, consume in a group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(_TOPIC, 1, 1, topic_configs={"cleanup.policy": "compact"})])
        await _produce(bootstrap)
        await _consume(bootstrap)
        await admin.delete_topics([_TOPIC])
    finally:
        await admin.close()


async def _produce(bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="warm-up", acks="all") as producer:
        for _ in range(2):
            async with producer.transaction():
                await producer.send_and_wait(_TOPIC, b"value", b"key")
                await producer.send_offsets_to_transaction({TopicPartition(_TOPIC, 0): 1}, _GROUP)


async def _consume(bootstrap: str) -> None:
    consumer = AIOKafkaConsumer(
        _TOPIC,
        bootstrap_servers=bootstrap,
        group_id=_GROUP,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    async with consumer:
        await consumer.getone()
        await consumer.commit()
