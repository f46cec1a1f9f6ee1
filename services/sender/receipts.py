"""Delivery receipts settle messages whose call had no answer (G3): the carrier is never asked by calling again.

Whatever a receipt says of the phone, it says that the carrier took the message: that is `sent`. Whether the phone has
it stands in the receipt, which is an event of the same topic, for these messages as for all others.
"""

import asyncio
import logging
from collections.abc import Sequence

from services.sender.ledger.connection import Pool, session
from services.sender.ledger.lost import lock_without_answer, settle_locked
from services.sender.ledger.model import MessageKey, Settled
from services.sender.report import Reporter
from shared.consumer import Polled
from shared.errors import PoisonError, TransientError
from shared.events.base import storable
from shared.events.delivery import DeliveryReceiptReceived, delivery_events
from shared.places import naming, place_of
from shared.reading import event_of

log = logging.getLogger(__name__)

_BACKOFF_SECONDS = 1.0
_RECEIPT = b'"delivery_receipt_received"'


class ReceiptHandler:
    """A handler of batches of `delivery-events`; every event but a receipt is our own and ignored."""

    def __init__(self, pool: Pool, reporter: Reporter) -> None:
        self._pool = pool
        self._reporter = reporter
        self.busy = False
        self.waits_for: str | None = None
        """The place of the batch that waits, and the cause; None: none does."""

    async def handle(self, records: Sequence[Polled]) -> None:
        """Return when the receipts are in the ledger; tries as long as that takes."""
        self.busy = True
        with naming(log, records):
            settled = {each.key: each for record in records if (each := _settled(record)) is not None}
            await self._finish(settled, place_of(records))
        self.busy = False

    async def _finish(self, settled: dict[MessageKey, Settled], place: str) -> None:
        while settled:
            try:
                await self._settle(settled)
                break
            except TransientError as error:
                self.waits_for = f"{place}: {error}"
                log.warning("receipts wait: %s", self.waits_for)
                await asyncio.sleep(_BACKOFF_SECONDS)
        self.waits_for = None

    async def _settle(self, settled: dict[MessageKey, Settled]) -> None:
        async with session(self._pool) as connection, connection.transaction():
            rows = await lock_without_answer(connection, list(settled))
            if rows:
                outcomes = [(row, settled[row.key]) for row in rows]
                await self._reporter.publish(
                    row._replace(state=outcome.state, detail=outcome.detail) for row, outcome in outcomes
                )
                await settle_locked(connection, [outcome for _, outcome in outcomes])


def _settled(record: Polled) -> Settled | None:
    """Return what a receipt settles; None for other events, and for receipts that do not name our message.

    What cannot be read is none of the sender's: the opt-out service reads all of the topic and parks it.
    """
    if record.value is None or _RECEIPT not in record.value:
        return None
    try:
        event = event_of(delivery_events, record)
    except PoisonError:
        return None
    match event:
        case DeliveryReceiptReceived(message_id=str(message_id)):
            return Settled((event.account_id, message_id), "sent", storable(event.carrier_message_id))
        case _:
            return None
