"""A block that a receipt reports is as old as the receipt, however late the sender reads it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.sender import receipts
from services.sender.ledger.model import NOT_REQUESTED, MessageKey, Row
from services.sender.receipts import ReceiptHandler
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import CarrierBlocked

RECEIVED = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROW = Row("acme", "m-1", 7, "+14155550100", "+18335550123", "sent", "c-1", RECEIVED, RECEIVED)
RECEIPT = DeliveryReceiptReceived(
    event_id=uuid4(), occurred_at=RECEIVED, account_id="acme", gateway="plivo", carrier_message_id="c-1",
    message_id="m-1", status="failed", gateway_status="failed 200", block_code="200",
)  # fmt: skip


class Published:
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.blocks: list[CarrierBlocked] = []

    async def report_blocks(self, blocks: Iterable[CarrierBlocked]) -> None:
        self.blocks += blocks


async def test_a_block_by_a_receipt_has_the_time_of_the_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    async def find(*_: object) -> dict[MessageKey, Row]:
        return {ROW.key: ROW}

    monkeypatch.setattr(receipts, "find", find)
    published: Any = Published()
    unused: Any = None
    await ReceiptHandler(unused, published)._resolve_blocks(unused, [RECEIPT])
    (block,) = published.blocks
    assert (block.occurred_at, block.phone, block.sender_numbers) == (RECEIVED, ROW.phone, (ROW.sender_number,))


async def test_a_receipt_for_a_message_that_was_cancelled_before_it_was_requested_has_nobody_to_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def find(*_: object) -> dict[MessageKey, Row]:
        return {ROW.key: ROW._replace(phone=NOT_REQUESTED, sender_number="", state="rejected")}

    monkeypatch.setattr(receipts, "find", find)
    published: Any = Published()
    unused: Any = None
    await ReceiptHandler(unused, published)._resolve_blocks(unused, [RECEIPT])
    assert published.blocks == []
