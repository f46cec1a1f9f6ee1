"""The sender's subscription to delivery receipts: read from `delivery-events`, at least once, by a typed handler."""

from collections.abc import Sequence

from services.sender.receipts import ReceiptHandler
from services.sender.settings import SenderSettings
from shared.background import GiveUp
from shared.consumer import Polled
from shared.errors import PoisonError
from shared.events.delivery import DeliveryReceiptReceived, delivery_events
from shared.reading import event_of
from shared.subscription import Subscribed, Subscription
from shared.topics import DELIVERY_EVENTS

_RECEIPT = b'"delivery_receipt_received"'


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
    return Subscription(settings.kafka, subscribed, _receipts_of, handler.settle, give_up)


def _receipts_of(records: Sequence[Polled]) -> list[DeliveryReceiptReceived]:
    """Return the receipts of a batch; most of it are the sender's own events, which are not worth parsing."""
    found = (_receipt(record) for record in records if record.value and _RECEIPT in record.value)
    return [receipt for receipt in found if receipt is not None]


def _receipt(record: Polled) -> DeliveryReceiptReceived | None:
    try:
        event = event_of(delivery_events, record)
    except PoisonError:
        return None
    return event if isinstance(event, DeliveryReceiptReceived) else None
