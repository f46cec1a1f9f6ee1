"""Takes what one bind is delivered: it is answered once Kafka has its events on all in-sync replicas (G2)."""

import asyncio
import logging
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from services.inbound.gateways.reported import ReportedEvent, events_of
from services.inbound.poll.append import append
from services.inbound.records import PlacedRecord, parked_record, records_of
from services.inbound.responses import WebhookError
from services.inbound.smpp import metrics
from services.inbound.smpp.binds import ReceiverBind
from services.inbound.smpp.delivered import report_of
from services.inbound.smpp.repetitions import Repetitions
from shared.errors import TransientError
from shared.events.inbound import MessageReceived
from shared.metrics import from_zero
from shared.number_pools import NumberPools
from shared.producer import Producer
from shared.smpp.pdus import Pdu, response_to
from shared.smpp.statuses import CommandStatus

log = logging.getLogger(__name__)

_NO_ID = b"\0"
DELIVERED_AGAIN = "delivered again"
_CONTENT_TYPE = "application/vnd.smpp"


class Receiver:
    """The receiver of one account's bind.

    Args:
        account_id: whose messages come by the bind.
        name: of the bind, for logs and metrics.
        bind: its settings.
        producer: publishes the events.
        partitions: of the topics.
        pools: the numbers that share their opt-outs at the carrier.
        publish_seconds: how long Kafka may take.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (whose it is, and what it works with)
        self,
        account_id: str,
        name: str,
        bind: ReceiverBind,
        producer: Producer,
        partitions: int,
        pools: NumberPools,
        publish_seconds: float,
    ) -> None:
        self._account_id = account_id
        self._name = name
        self._bind = bind
        self._producer = producer
        self._partitions = partitions
        self._pools = pools
        self._publish_seconds = publish_seconds
        self._repetitions = Repetitions()
        from_zero(metrics.DELIVERIES, (name,), ("accepted", "refused", "unavailable"))
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def handle(self, pdu: Pdu) -> Pdu:
        """Return the response: without an error only where Kafka has the events, or the bytes of what says nothing."""
        now = datetime.now(UTC)
        outcome, writer, records = self._records(pdu, now)
        status, note = CommandStatus.ESME_RX_T_APPN, self._repetitions.failed
        try:
            async with asyncio.timeout(self._publish_seconds), self._turn_of(writer):
                await append(self._producer, records)
            status, note = CommandStatus.ESME_ROK, self._repetitions.answered
        except (TransientError, TimeoutError):
            outcome = "unavailable"
        finally:  # also where the connection ends meanwhile: Kafka may have it, and the SMSC has no answer
            note(pdu.body, now)
        metrics.DELIVERIES.labels(self._name, outcome).inc()
        return response_to(pdu, status, _NO_ID)

    def connection_ended(self) -> None:
        """Note that answers which were just given may not have arrived."""
        self._repetitions.ended(datetime.now(UTC))

    def _turn_of(self, writer: str) -> asyncio.Lock:
        """Return the lock that keeps what one person writes in its order: an SMSC may deliver it all at once."""
        return self._turns.setdefault(writer, asyncio.Lock())

    def _records(self, pdu: Pdu, now: datetime) -> tuple[str, str, list[PlacedRecord]]:
        """Return the outcome of the delivery, its writer where it has one, and its records."""
        try:
            events = self._events(pdu, now)
        except WebhookError as error:
            log.warning("a delivery of %s cannot be read and was parked: %s", self._name, error.reason)
            return "refused", "", [self._parked(pdu, error, now)]
        records = [record for event in events for record in records_of(event, self._partitions)]
        return "accepted", events[0].phone or "", records

    def _events(self, pdu: Pdu, now: datetime) -> list[ReportedEvent]:
        is_repetition = self._repetitions.is_repetition(pdu.body, now)
        found = events_of(report_of(pdu, self._bind), self._account_id, now, self._pools)
        events: list[ReportedEvent] = []
        for each in found:
            if isinstance(each, WebhookError):
                raise each
            if is_repetition and isinstance(each, MessageReceived) and each.gateway_message_id is None:
                metrics.REPETITIONS.inc()
                events.append(each.model_copy(update={"unusable_sent_at": DELIVERED_AGAIN}))
            else:
                events.append(each)
        return events

    def _parked(self, pdu: Pdu, error: WebhookError, now: datetime) -> PlacedRecord:
        return parked_record(
            account_id=self._account_id,
            gateway="smpp",
            kind="delivery",
            content_type=_CONTENT_TYPE,
            body=pdu.encode(),
            error=error,
            now=now,
        )
