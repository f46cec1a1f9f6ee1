"""The event for a carrier's own block, from the message or receipt in which its gateway reports it."""

from services.inbound.gateways.values import short_text
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import CarrierBlocked, MessageReceived, carrier_block_id
from shared.number_pools import NumberPools, covered_by_block


def block_by_receipt(
    receipt: DeliveryReceiptReceived, code: str, pool_id: str | None, sender_number: str | None, pools: NumberPools
) -> CarrierBlocked | None:
    """Return the event for a message that was not delivered because of the block.

    None where the receipt does not say whose it is: then the sender, which knows the message, publishes it.
    """
    if receipt.phone is None:
        return None
    message = receipt.message_id or receipt.carrier_message_id
    return CarrierBlocked(
        event_id=carrier_block_id(receipt.account_id, receipt.gateway, message, receipt.phone),
        occurred_at=receipt.occurred_at,
        account_id=receipt.account_id,
        gateway=receipt.gateway,
        phone=receipt.phone,
        sender_numbers=covered_by_block(pools, receipt.account_id, sender_number, pool_id),
        code=short_text(code),
        reason=receipt.gateway_status,
        message_id=receipt.message_id,
        carrier_message_id=receipt.carrier_message_id,
    )


def block_by_message(message: MessageReceived, code: str, pool_id: str | None, pools: NumberPools) -> CarrierBlocked:
    """Return the event for a reply that the carrier has taken as an opt-out itself."""
    return CarrierBlocked(
        event_id=carrier_block_id(message.account_id, message.gateway, str(message.event_id), message.phone),
        occurred_at=message.occurred_at,
        account_id=message.account_id,
        gateway=message.gateway,
        phone=message.phone,
        sender_numbers=covered_by_block(pools, message.account_id, message.sender_number, pool_id),
        code=short_text(code),
        reason="the carrier took the reply as an opt-out",
        carrier_message_id=message.gateway_message_id,
    )
