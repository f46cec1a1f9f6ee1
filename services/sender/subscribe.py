"""FastStream's part: two consumer groups, batches of raw records, offsets committed by us when a batch is done.

FastStream's own parser fails on a header that is not UTF-8 and on a value that is not JSON, its acknowledgement commits
whatever the consumer has reached and keeps a failure to itself; so records come raw, and the commit is ours.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage as Batch
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

from services.sender.settings import Settings
from shared.errors import TransientError
from shared.failpoints import reach
from shared.kafka import SEND_SECONDS, within
from shared.topics import DELIVERY_EVENTS, OUTBOUND_MESSAGES

log = logging.getLogger(__name__)

HandleBatch = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]
_HEARTBEATS_PER_SESSION = 3


def new_broker(settings: Settings) -> KafkaBroker:
    """Return the broker, not connected; it makes no topics."""
    return KafkaBroker(settings.kafka_bootstrap, allow_auto_create_topics=False, logger=None)


def subscribe(broker: KafkaBroker, settings: Settings, outbound: HandleBatch, receipts: HandleBatch) -> list[Any]:
    """Subscribe both handlers; return the subscribers."""
    return [
        _subscribe(broker, settings, OUTBOUND_MESSAGES, settings.sender_group_id, outbound),
        _subscribe(broker, settings, DELIVERY_EVENTS, f"{settings.sender_group_id}-receipts", receipts),
    ]


def _subscribe(broker: KafkaBroker, settings: Settings, topic: str, group_id: str, handle: HandleBatch) -> Any:
    session_ms = int(settings.session_timeout_seconds * 1000)
    subscriber = broker.subscriber(
        topic,
        batch=True,
        group_id=group_id,
        ack_policy=AckPolicy.MANUAL,
        # Messages that wait when the group is new are to be decided too.
        auto_offset_reset="earliest",
        max_records=settings.batch_records,
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms // _HEARTBEATS_PER_SESSION,
        parser=_raw,
        decoder=_nothing,
    )

    async def handle_batch(message: Batch) -> None:
        records = message.raw_message
        await handle(records)
        reach("sender.before_commit")
        await commit(subscriber.consumer, records)
        reach("sender.after_commit")

    subscriber(handle_batch)
    return subscriber


async def _raw(records: tuple[ConsumerRecord, ...]) -> KafkaMessage:
    return KafkaMessage(
        body=b"",
        headers={},
        content_type=None,
        raw_message=records,
        message_id=f"{records[0].offset}-{records[-1].offset}",
        correlation_id="",
        consumer=FAKE_CONSUMER,
    )


async def _nothing(_: KafkaMessage) -> bytes:
    return b""


async def commit(consumer: AIOKafkaConsumer, records: Sequence[ConsumerRecord]) -> None:
    """Commit just these records, where their partitions are still ours.

    A commit that fails is no harm: the records come again, here or elsewhere, and the ledger knows them.
    """
    ends = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
    mine = {tp: offset for tp, offset in ends.items() if tp in consumer.assignment()}
    if not mine:
        return
    try:
        await within(SEND_SECONDS, consumer.commit(mine), "committing offsets")
    except (TransientError, KafkaError) as error:
        log.warning("offsets are not committed, their records will come again: %s", error)
