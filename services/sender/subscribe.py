"""FastStream's part: the group of receipts, batches of raw records, offsets committed by us when a batch is done.

FastStream's own parser fails on a header that is not UTF-8 and on a value that is not JSON; after a handler that failed
it goes on, and the next acknowledgement commits what was skipped; and an acknowledgement that fails it keeps to itself.
So records come raw and from our own consumer, the commit is ours, and a handler that cannot finish never returns.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage as Batch
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from services.sender.commit import HEARTBEATS_PER_SESSION, commit
from services.sender.consume import GiveUp, HandleBatch
from services.sender.settings import SenderSettings
from shared.consumer import Consumer, Polled
from shared.errors import TransientError
from shared.kafka import FETCH_WAIT_MS
from shared.kafka_connection import KafkaConnection
from shared.topics import DELIVERY_EVENTS

log = logging.getLogger(__name__)

_LOGINS: dict[str, type[SASLPlaintext | SASLScram256 | SASLScram512]] = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}
_LOOK_SECONDS = 0.05
_POLL_MS = 200  # FastStream sleeps as long again after a poll that brought nothing


def new_broker(settings: SenderSettings) -> KafkaBroker:
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


async def start(broker: KafkaBroker) -> None:
    """Start the broker with our consumer in place of aiokafka's, which a record can stop."""
    await broker.connect()
    config = broker.config.broker_config
    config.builder = partial(Consumer, **config.builder.keywords)  # type: ignore[attr-defined]  # a partial
    await broker.start()


def subscribe(broker: KafkaBroker, settings: SenderSettings, receipts: HandleBatch, give_up: GiveUp) -> Any:
    """Subscribe to receipts; return the subscriber. `give_up` is called with a bug, which ends all reading."""
    subscriber = _subscriber(broker, settings, DELIVERY_EVENTS, f"{settings.sender_group_id}-receipts")
    subscriber(_handler(subscriber, receipts, give_up))
    return subscriber


def _subscriber(broker: KafkaBroker, settings: SenderSettings, topic: str, group_id: str) -> Any:
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
        isolation_level="read_committed",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms // HEARTBEATS_PER_SESSION,
        parser=_raw,
        decoder=_nothing,
    )


def _handler(subscriber: Any, handle: HandleBatch, give_up: GiveUp) -> Callable[[Batch], Awaitable[None]]:
    async def handle_batch(message: Batch) -> None:
        records = message.raw_message
        try:
            await handle(records)
            await commit(subscriber.consumer, records)
        except TransientError as error:
            log.info("a batch is left for later: %s", error)  # only where the sender stops
        except Exception as error:  # noqa: BLE001 (whatever it is: the offset is kept, the error goes to `give_up`)
            give_up(error)
        else:
            return
        while subscriber.running:  # noqa: ASYNC110 (FastStream has no event for it)
            await asyncio.sleep(_LOOK_SECONDS)

    return handle_batch


async def _raw(records: tuple[Polled, ...]) -> KafkaMessage:
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
