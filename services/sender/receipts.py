"""Delivery receipts settle messages whose call had no answer (G3): the carrier is never asked by calling again."""

import asyncio
import logging
from collections.abc import Sequence

from aiokafka import ConsumerRecord

from services.sender.ledger.connection import AWAY, Pool
from services.sender.ledger.rows import Settled, find, settle
from services.sender.report import Reporter, outcome
from shared.errors import PoisonError, TransientError
from shared.events.codec import decode
from shared.events.delivery import DeliveryReceiptReceived, delivery_events

log = logging.getLogger(__name__)

_BACKOFF_SECONDS = 1.0
_RECEIPT = b'"delivery_receipt_received"'


class ReceiptHandler:
    """Handles batches of `delivery-events`; all but receipts are our own and passed over."""

    def __init__(self, pool: Pool, reporter: Reporter) -> None:
        self._pool = pool
        self._reporter = reporter

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Return when the receipts are in the ledger; tries as long as that takes."""
        settled = list({each.key: each for record in records if (each := _settled(record)) is not None}.values())
        while settled:
            try:
                await self._settle(settled)
            except* (TransientError, *AWAY) as errors:
                log.warning("receipts wait: %s", errors.exceptions[0])
            else:
                return
            await asyncio.sleep(_BACKOFF_SECONDS)

    async def _settle(self, settled: Sequence[Settled]) -> None:
        async with self._pool.acquire() as connection:
            open_keys = await settle(connection, settled)
            rows = await find(connection, list(open_keys)) if open_keys else {}
        if rows:
            await self._reporter.publish([outcome(row) for row in rows.values()])


def _settled(record: ConsumerRecord) -> Settled | None:
    """Return what a receipt settles; None for other events, and for receipts that do not name our message."""
    if record.value is None or _RECEIPT not in record.value:
        return None
    try:
        event = decode(delivery_events, record.value)
    except PoisonError:
        return None
    match event:
        case DeliveryReceiptReceived(message_id=str(message_id), status="delivered"):
            return Settled((event.account_id, message_id), "sent", event.carrier_message_id)
        case DeliveryReceiptReceived(message_id=str(message_id), status="failed"):
            return Settled((event.account_id, message_id), "failed", f"receipt: {event.gateway_status}")
        case _:
            return None
