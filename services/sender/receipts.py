"""Delivery receipts settle messages whose call had no answer (G3): the carrier is never asked by calling again.

Whatever a receipt says of the phone, it says that the carrier took the message: that is `sent`. Whether the phone has
it is in the receipt, which is an event of the same topic, for these messages as for all others.
"""

from services.sender.ledger.lost import lock_without_answer, settle_locked
from services.sender.ledger.model import Settled
from services.sender.report import Reporter
from shared.events.base import storable
from shared.events.delivery import DeliveryReceiptReceived
from shared.postgres import Pool, connection_from


class ReceiptHandler:
    """A handler of the receipts of one batch, which may come again."""

    def __init__(self, pool: Pool, reporter: Reporter) -> None:
        self._pool = pool
        self._reporter = reporter

    async def settle(self, receipts: list[DeliveryReceiptReceived]) -> None:
        """Settle the messages that the receipts are about, as far as their outcome is not known.

        Raises:
            TransientError: Kafka or Postgres is unavailable; nothing is settled.
        """
        settled = {each.key: each for receipt in receipts if (each := _settled(receipt)) is not None}
        if not settled:
            return
        async with connection_from(self._pool) as connection, connection.transaction():
            rows = await lock_without_answer(connection, list(settled))
            if rows:
                outcomes = [(row, settled[row.key]) for row in rows]
                await self._reporter.publish(
                    row._replace(state=outcome.state, detail=outcome.detail) for row, outcome in outcomes
                )
                await settle_locked(connection, [outcome for _, outcome in outcomes])


def _settled(receipt: DeliveryReceiptReceived) -> Settled | None:
    """Return what the receipt settles; None where it does not name a message of ours."""
    if receipt.message_id is None:
        return None
    return Settled((receipt.account_id, receipt.message_id), "sent", storable(receipt.carrier_message_id))
