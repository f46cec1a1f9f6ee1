"""Subscriptions by FastStream: a topic read in batches, at least once, by a typed handler (decision 29).

FastStream delivers a batch that failed again (`NACK_ON_ERROR`), at once and without a limit. So `Redelivery` pauses
first, and neither parser nor decoder ever raises: what cannot be read is passed over here, and the opt-out pipeline,
which reads the whole topic too, parks it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from faststream import AckPolicy, BaseMiddleware
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage, KafkaMessage

from shared.background import GiveUp
from shared.consumer import Polled
from shared.errors import TransientError
from shared.kafka import connect, group_options, new_consumer, request_timeout_ms
from shared.kafka_connection import KafkaConnection
from shared.places import naming, place_of

log = logging.getLogger(__name__)
_faststream_log = logging.getLogger(f"{__name__}.faststream")
_faststream_log.setLevel(logging.CRITICAL)  # commits that failed; `Redelivery` logs what failed in the handler

_PAUSE_SECONDS = 1.0
_POLL_MS = 200  # FastStream sleeps as long again after a poll that brought nothing


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The topic that a group reads, and how; `what` is read, for people."""

    topic: str
    group_id: str
    what: str
    batch_records: int = 2_000
    session_seconds: float = 10.0
    stop_seconds: float = 6.0


class Subscription:
    """A subscription of a group to a topic.

    Args:
        kafka: how Kafka is reached.
        subscribed: the topic and the group.
        events_of: returns the events of records; it passes over what is not for the handler, and never raises.
        handler: gets the events of a batch.
        give_up: called with a bug; the batch is not acknowledged.
    """

    def __init__(
        self,
        kafka: KafkaConnection,
        subscribed: Subscribed,
        events_of: Callable[[Sequence[Polled]], list[Any]],
        handler: Callable[[Any], Awaitable[None]],
        give_up: GiveUp,
    ) -> None:
        self.busy = False
        self.waits_for: str | None = None
        """The place of the batch that waits, and the cause; None: none does."""
        self.give_up = give_up
        self.what = subscribed.what
        self._kafka = kafka
        self._events_of = events_of
        group = group_options(subscribed.group_id, subscribed.session_seconds)
        self.broker = KafkaBroker(
            kafka.bootstrap.split(","),
            consumer_only=True,
            graceful_timeout=subscribed.stop_seconds,
            request_timeout_ms=request_timeout_ms(group["session_timeout_ms"]),
            logger=_faststream_log,
            middlewares=[partial(Redelivery, subscription=self)],
        )
        self.reader = self.broker.subscriber(
            subscribed.topic,
            batch=True,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            max_records=subscribed.batch_records,
            batch_timeout_ms=_POLL_MS,
            parser=self._parse,
            decoder=self._decode,
            **group,
        )
        self.reader(handler)

    async def start(self) -> None:
        """Join the group, with our consumer in place of aiokafka's, which a record can stop."""
        await self.broker.connect()
        self.broker.config.broker_config.builder = partial(new_consumer, self._kafka)
        await self.broker.start()

    async def join(self) -> None:
        """Start, and start again where Kafka does not answer: what else the process does goes on meanwhile.

        Raises:
            MisconfiguredError: Kafka refuses our login or certificate, or shows one that we do not trust.
        """
        while True:
            try:
                await connect(self.start(), self._kafka)
            except TransientError as error:
                self.waits_for = str(error)
                log.warning("%s wait: %s", self.what, error)
                await self.broker.stop()
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self.waits_for = None
                return

    async def _parse(self, records: tuple[Polled, ...]) -> KafkaMessage:
        """Leave the headers alone: FastStream's own parser raises where one is not UTF-8."""
        return KafkaAckableMessage(records, b"", consumer=self.reader.consumer)

    async def _decode(self, message: KafkaMessage) -> list[Any]:
        return self._events_of(message.raw_message)


class Redelivery(BaseMiddleware):
    """A middleware that waits before a batch that failed is delivered again."""

    def __init__(self, *arguments: Any, subscription: Subscription, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._subscription = subscription

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        self._subscription.busy = True
        try:
            with naming(log, msg.raw_message):
                result = await call_next(msg)
        except Exception as error:
            self._note(error, place_of(msg.raw_message))
            await asyncio.sleep(_PAUSE_SECONDS)
            raise
        else:
            self._subscription.waits_for = None
            return result
        finally:
            self._subscription.busy = False

    def _note(self, error: Exception, place: str) -> None:
        if not isinstance(error, TransientError):
            self._subscription.give_up(error)
            return
        self._subscription.waits_for = f"{place}: {error}"
        log.warning("%s wait: %s", self._subscription.what, self._subscription.waits_for)
