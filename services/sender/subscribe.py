"""FastStream's part: two consumer groups, batches of raw records, offsets committed by us when a batch is done.

FastStream's own parser fails on a header that is not UTF-8 and on a value that is not JSON; after a handler that failed
it goes on, and the next acknowledgement commits what was skipped; and an acknowledgement that fails it keeps to itself.
So records come raw, the commit is ours, and a handler that cannot finish a batch never returns.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage as Batch
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from services.sender.settings import Settings
from shared.errors import TransientError
from shared.failpoints import reach
from shared.kafka import FETCH_WAIT_MS, SEND_SECONDS, within
from shared.kafka_connection import KafkaConnection
from shared.topics import DELIVERY_EVENTS, OUTBOUND_MESSAGES

log = logging.getLogger(__name__)

HandleBatch = Callable[[Sequence[ConsumerRecord]], Awaitable[Sequence[ConsumerRecord]]]
"""Returns the records that are done: all, or a first part, and then no more batches are to come."""
GiveUp = Callable[[Exception], None]

_LOGINS: dict[str, type[SASLPlaintext | SASLScram256 | SASLScram512]] = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}
_HEARTBEATS_PER_SESSION = 3
_LOOK_SECONDS = 0.05
_POLL_MS = 20  # FastStream sleeps as long again after a poll that brought nothing


def new_broker(settings: Settings) -> KafkaBroker:
    """Return the broker, not connected; it makes no topics."""
    return KafkaBroker(
        settings.kafka.bootstrap.split(","),
        security=_security(settings.kafka),
        allow_auto_create_topics=False,
        graceful_timeout=settings.stop_seconds,
        logger=None,
    )


def _security(kafka: KafkaConnection) -> BaseSecurity:
    """Return the connection's login and TLS as FastStream wants them."""
    tls: dict[str, Any] = {"ssl_context": kafka.options().get("ssl_context"), "use_ssl": kafka.tls is not None}
    if kafka.login is None:
        return BaseSecurity(**tls)
    return _LOGINS[kafka.login.mechanism](username=kafka.login.username, password=kafka.login.password, **tls)


def subscribe(
    broker: KafkaBroker, settings: Settings, outbound: HandleBatch, receipts: HandleBatch, give_up: GiveUp
) -> list[Any]:
    """Subscribe both handlers; return the subscribers. `give_up` is called with a bug, which ends all reading."""
    group = settings.sender_group_id
    subscribers = [
        (_subscriber(broker, settings, OUTBOUND_MESSAGES, group), outbound),
        (_subscriber(broker, settings, DELIVERY_EVENTS, f"{group}-receipts"), receipts),
    ]
    for subscriber, handle in subscribers:
        subscriber(_handler(subscriber, handle, give_up))
    return [subscriber for subscriber, _ in subscribers]


def _subscriber(broker: KafkaBroker, settings: Settings, topic: str, group_id: str) -> Any:
    session_ms = int(settings.session_timeout_seconds * 1000)
    return broker.subscriber(
        topic,
        batch=True,
        group_id=group_id,
        ack_policy=AckPolicy.MANUAL,
        # Messages that wait when the group is new are to be decided too.
        auto_offset_reset="earliest",
        max_records=settings.batch_records,
        batch_timeout_ms=_POLL_MS,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms // _HEARTBEATS_PER_SESSION,
        parser=_raw,
        decoder=_nothing,
    )


def _handler(subscriber: Any, handle: HandleBatch, give_up: GiveUp) -> Callable[[Batch], Awaitable[None]]:
    async def handle_batch(message: Batch) -> None:
        records = message.raw_message
        try:
            done = await handle(records)
            reach("sender.before_commit")
            await commit(subscriber.consumer, done)
            reach("sender.after_commit")
            if len(done) == len(records):
                return
        except TransientError as error:
            log.info("a batch is left for later: %s", error)  # only where the sender stops
        except Exception as error:  # noqa: BLE001 (whatever it is: the offset is kept, whoever supervises us is told)
            give_up(error)
        while subscriber.running:  # noqa: ASYNC110 (FastStream has no event for it)
            await asyncio.sleep(_LOOK_SECONDS)

    return handle_batch


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
    ends = {record.partition: record.offset + 1 for record in records}  # one topic, and in order
    mine = {tp: ends[tp.partition] for tp in consumer.assignment() if tp.partition in ends}
    if not mine:
        return
    try:
        await within(SEND_SECONDS, consumer.commit(mine), "committing offsets")
    except (TransientError, KafkaError) as error:
        log.warning("offsets are not committed, their records will come again: %s", error)
