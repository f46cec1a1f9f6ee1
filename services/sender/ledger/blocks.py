"""The event for a carrier's own block, from the message that it concerns."""

from collections.abc import Sequence
from datetime import datetime

from services.sender.ledger.model import Row
from shared.events.inbound import CarrierBlocked, carrier_block_id
from shared.events.outbound import MessageRequested


def new_block(  # noqa: PLR0913, PLR0917 (what the carrier said of which message)
    message: MessageRequested | Row,
    gateway: str,
    code: str,
    reason: str,
    sender_numbers: Sequence[str],
    at: datetime,
) -> CarrierBlocked:
    """Return the event: the same whenever the carrier says so of this message."""
    return CarrierBlocked(
        event_id=carrier_block_id(message.account_id, gateway, message.message_id, message.phone),
        occurred_at=at,
        account_id=message.account_id,
        gateway=gateway,
        phone=message.phone,
        sender_numbers=tuple(sender_numbers),
        code=code,
        reason=reason,
        message_id=message.message_id,
    )
