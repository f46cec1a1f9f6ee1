"""Receipts by FastStream: read from `delivery-events`, at least once, by a typed handler.

FastStream delivers a batch that failed again (`NACK_ON_ERROR`), at once and without a limit. So `Redelivery` pauses
first, and neither parser nor decoder ever raises: what cannot be read is not for the sender, and the opt-out service,
which reads the whole topic too, parks it.
"""

import asyncio
import logging
from functools import partial
from typing import Any

from faststream import AckPolicy, BaseMiddleware
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage, KafkaMessage

from services.sender.receipts import ReceiptHandler
from services.sender.settings import SenderSettings
from shared.background import GiveUp
from shared.consumer import Polled
from shared.errors import PoisonError, TransientError
from shared.events.delivery import DeliveryReceiptReceived, delivery_events
from shared.kafka import group_options, new_consumer
from shared.places import naming, place_of
from shared.reading import event_of
from shared.topics import DELIVERY_EVENTS

log = logging.getLogger(__name__)
_faststream_log = logging.getLogger(f"{__name__}.faststream")
_faststream_log.setLevel(logging.CRITICAL)  # commits that failed; `Redelivery` logs what failed in the handler

_PAUSE_SECONDS = 1.0
_POLL_MS = 200  # FastStream sleeps as long again after a poll that brought nothing
_RECEIPT = b'"delivery_receipt_received"'


class ReceiptSubscription:
    """The subscription of the sender's group to receipts.

    Args:
        settings: of the service.
        handler: gets the receipts of a batch.
        give_up: called with a bug; the batch is not acknowledged.
    """

    def __init__(self, settings: SenderSettings, handler: ReceiptHandler, give_up: GiveUp) -> None:
        self.busy = False
        self.waits_for: str | None = None
        """The place of the batch that waits, and the cause; None: none does."""
        self.give_up = give_up
        self.broker = KafkaBroker(
            settings.kafka.bootstrap.split(","),
            consumer_only=True,
            graceful_timeout=settings.stop_seconds,
            logger=_faststream_log,
            middlewares=[partial(Redelivery, subscription=self)],
        )
        self.reader = self.broker.subscriber(
            DELIVERY_EVENTS,
            batch=True,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            max_records=settings.batch_records,
            batch_timeout_ms=_POLL_MS,
            parser=self._parse,
            decoder=_receipts_of,
            **group_options(f"{settings.sender_group_id}-receipts", settings.session_timeout_seconds),
        )
        self.reader(handler.settle)
        self._kafka = settings.kafka

    async def start(self) -> None:
        """Join the group, with our consumer in place of aiokafka's, which a record can stop."""
        await self.broker.connect()
        self.broker.config.broker_config.builder = partial(new_consumer, self._kafka)
        await self.broker.start()

    async def _parse(self, records: tuple[Polled, ...]) -> KafkaMessage:
        """Leave the headers alone: FastStream's own parser raises where one is not UTF-8."""
        return KafkaAckableMessage(records, b"", consumer=self.reader.consumer)


class Redelivery(BaseMiddleware):
    """A middleware that waits before a batch that failed is delivered again."""

    def __init__(self, *arguments: Any, subscription: ReceiptSubscription, **options: Any) -> None:
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
        log.warning("receipts wait: %s", self._subscription.waits_for)


async def _receipts_of(message: KafkaMessage) -> list[DeliveryReceiptReceived]:
    """Return the receipts of a batch; most of it are the sender's own events, which are not worth parsing."""
    found = (_receipt(record) for record in message.raw_message if record.value and _RECEIPT in record.value)
    return [receipt for receipt in found if receipt is not None]


def _receipt(record: Polled) -> DeliveryReceiptReceived | None:
    try:
        event = event_of(delivery_events, record)
    except PoisonError:
        return None
    return event if isinstance(event, DeliveryReceiptReceived) else None
