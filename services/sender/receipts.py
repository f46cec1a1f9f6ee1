"""Delivery receipts settle messages whose call had no result (G3): the carrier is never asked by calling again.

Whatever a receipt says of the phone, it says that the carrier took the message: that is `sent`. Whether the phone has
it is in the receipt, which is an event of the same topic, for these messages as for all others.
"""

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from services.sender.ledger.blocks import new_block
from services.sender.ledger.erasures import note_erasures
from services.sender.ledger.model import ERASED, NOT_REQUESTED, MessageKey, Row, RowUpdate
from services.sender.ledger.references import Referred, find_by_reference
from services.sender.ledger.rows import find, lock_calls_without_result, settle_locked
from services.sender.report import Reporter
from services.sender.settings import SenderSettings
from shared.background import GiveUp
from shared.consumer import Polled
from shared.errors import PoisonError
from shared.event_records import event_of
from shared.events.base import storable
from shared.events.delivery import DeliveryReceiptReceived, RecipientErased, delivery_event_adapter
from shared.events.inbound import CarrierBlocked
from shared.number_pools import NumberPools, covered_by_block
from shared.postgres import Connection, Pool, connection_from
from shared.subscription import Subscribed, Subscription
from shared.topics import DELIVERY_EVENTS

log = logging.getLogger(__name__)

Handled = DeliveryReceiptReceived | RecipientErased


class ReceiptHandler:
    """A handler of the receipts, and the erasures, of one batch, which may come again."""

    def __init__(self, pool: Pool, reporter: Reporter, pools: NumberPools = MappingProxyType({})) -> None:
        self._pool = pool
        self._reporter = reporter
        self._pools = pools

    async def handle(self, events: list[Handled]) -> None:
        """Settle the messages that receipts are about, as far as their outcome is not known, and note erasures.

        Raises:
            TransientError: Kafka or Postgres is unavailable; nothing is settled.
        """
        receipts = [event for event in events if isinstance(event, DeliveryReceiptReceived)]
        named = {each.key: each for receipt in receipts if (each := _settled(receipt)) is not None}
        referring = {its: receipt for receipt in receipts if (its := _referred(receipt)) is not None}
        erased = [event for event in events if isinstance(event, RecipientErased)]
        if not named and not referring and not erased:
            return
        async with connection_from(self._pool) as connection, connection.transaction():
            settled = await _found(connection, referring) | named
            await note_erasures(connection, erased)
            await self._resolve_blocks(connection, receipts)
            await self._settle(connection, settled)

    async def _settle(self, connection: Connection, settled: Mapping[MessageKey, RowUpdate]) -> None:
        """Publish and write the outcomes of those of the messages whose call has no result."""
        rows = await lock_calls_without_result(connection, list(settled))
        if not rows:
            return
        outcomes = [(row, settled[row.key]) for row in rows]
        await self._reporter.publish(
            row._replace(state=outcome.state, detail=outcome.detail) for row, outcome in outcomes if row.phone != ERASED
        )
        await settle_locked(connection, [outcome for _, outcome in outcomes])

    async def _resolve_blocks(self, connection: Connection, receipts: Sequence[DeliveryReceiptReceived]) -> None:
        """Publish the blocks that receipts report: not all say whose, or of which number; the ledger knows.

        Where the inbound service could publish the block itself, this is the same event.
        """
        blocking = {
            (each.account_id, each.message_id): each for each in receipts if each.block_code and each.message_id
        }
        if not blocking:
            return
        rows = await find(connection, list(blocking))
        blocks = [
            self._block_of(rows[key], receipt)
            for key, receipt in blocking.items()
            if key in rows and rows[key].phone not in {ERASED, NOT_REQUESTED}
        ]
        if len(blocks) < len(blocking):
            log.warning("%d receipts report blocks for messages that are not ours", len(blocking) - len(blocks))
        await self._reporter.report_blocks(blocks)

    def _block_of(self, row: Row, receipt: DeliveryReceiptReceived) -> CarrierBlocked:
        numbers = covered_by_block(self._pools, row.account_id, row.sender_number)
        code, reason = receipt.block_code or "", receipt.gateway_status
        # As old as the receipt, however late it is read: a START in between has ended the block.
        return new_block(row, receipt.gateway, code, reason, numbers, receipt.occurred_at)


def _settled(receipt: DeliveryReceiptReceived) -> RowUpdate | None:
    """Return what the receipt settles; None where it does not name a message of ours."""
    if receipt.message_id is None:
        return None
    return RowUpdate((receipt.account_id, receipt.message_id), "sent", storable(receipt.carrier_message_id))


def _referred(receipt: DeliveryReceiptReceived) -> Referred | None:
    """Return what it has in place of our id, where that is needed and there."""
    if receipt.message_id is not None or receipt.message_reference is None or receipt.phone is None:
        return None
    return Referred(receipt.account_id, receipt.phone, receipt.message_reference)


async def _found(
    connection: Connection, referring: Mapping[Referred, DeliveryReceiptReceived]
) -> dict[MessageKey, RowUpdate]:
    """Return what the receipts settle that have a reference alone."""
    if not referring:
        return {}
    found = await find_by_reference(connection, list(referring))
    return {key: RowUpdate(key, "sent", storable(referring[each].carrier_message_id)) for each, key in found.items()}


_TYPES = (b'"delivery_receipt_received"', b'"recipient_erased"')


def receipt_subscription(settings: SenderSettings, handler: ReceiptHandler, give_up: GiveUp) -> Subscription:
    """Return the subscription of the sender's group to receipts, not started."""
    subscribed = Subscribed(
        DELIVERY_EVENTS,
        f"{settings.sender_group_id}-receipts",
        "receipts",
        settings.batch_records,
        settings.session_timeout_seconds,
        settings.stop_seconds,
    )
    return Subscription(settings.kafka, subscribed, _handled_of, handler.handle, give_up)


def _handled_of(records: Sequence[Polled]) -> list[Handled]:
    """Return the events of a batch that count; most are the sender's own, which are not worth parsing."""
    found = (_event(record) for record in records if record.value and any(each in record.value for each in _TYPES))
    return [event for event in found if event is not None]


def _event(record: Polled) -> Handled | None:
    try:
        event = event_of(delivery_event_adapter, record)
    except PoisonError:
        return None
    return event if isinstance(event, Handled) else None
