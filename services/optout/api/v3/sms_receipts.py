"""Delivery receipts of an account's messages, and which of them it has read."""

import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from services.optout.api.context import CallerAccountId, CallingUser, Database
from services.optout.api.errors import ApiError
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.filters import LAST_SECOND
from services.optout.api.v3.models import Answer, Given, GivenText
from services.optout.api.v3.paging import AskedPage, Page
from services.optout.api.v3.route import V3Route
from services.optout.api.v3.sms import MessageIdInPath
from services.optout.sending.receipts import CODES, COLUMNS, JOINED, receipt_fields

UNREAD = f"""
SELECT {COLUMNS} FROM {JOINED}
WHERE r.account_id = $1 AND r.read_at IS NULL ORDER BY r.received_at, r.receipt_id OFFSET $2 LIMIT $3
"""  # noqa: S608 (no value from outside)
COUNT = "SELECT count(*) FROM receipts WHERE account_id = $1 AND read_at IS NULL"
NEWEST = f"""
SELECT {COLUMNS} FROM {JOINED}
WHERE r.account_id = $1 AND r.message_id = $2 ORDER BY r.received_at DESC LIMIT 1
"""  # noqa: S608 (no value from outside)
MARK = "UPDATE receipts SET read_at = now() WHERE account_id = $1 AND read_at IS NULL AND received_at <= $2"


router = APIRouter(route_class=V3Route)


class DeliveryReceipt(Answer):
    """A delivery receipt."""

    timestamp_send: int
    timestamp: int
    message_id: str
    status_code: int
    status_text: str
    error_code: int | None
    error_text: str | None
    custom_string: str | None
    subaccount_id: int
    message_type: str = "sms"
    digits: int | None = None


class ReadMark(Given):
    """The mark up to which everything is read; without a date, up to now."""

    date_before: Annotated[int, Field(ge=0, le=LAST_SECOND)] | None = None

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(time.time() if self.date_before is None else self.date_before, UTC)


class GivenUrl(Given):
    url: Annotated[GivenText, Field(min_length=1)]


@router.get("/v3/sms/receipts")
async def read_receipts(
    account_id: CallerAccountId, database: Database, asked: AskedPage
) -> Envelope[Page[DeliveryReceipt]]:
    """Return the receipts that are not marked as read."""
    rows = await database.fetch(UNREAD, account_id, asked.offset, asked.limit)
    total = await database.fetchval(COUNT, account_id)
    return success(
        "Here are your delivery receipts.", asked.of([DeliveryReceipt(**receipt_fields(row)) for row in rows], total)
    )


@router.post("/v3/sms/receipts")
async def add_test_receipt(_: GivenUrl, user: CallingUser) -> Envelope[DeliveryReceipt]:
    """Return a receipt as a rule would deliver it. The address is not called."""
    now = int(time.time())
    receipt = DeliveryReceipt(
        timestamp_send=now,
        timestamp=now,
        message_id="test",
        status_code=CODES["delivered"],
        status_text="Success: Message received on handset.",
        error_code=None,
        error_text=None,
        custom_string=None,
        subaccount_id=user.subaccount_id,
    )
    return success("Here is a test receipt.", receipt)


@router.get("/v3/sms/receipts/{message_id}")
async def read_receipt(
    message_id: MessageIdInPath, account_id: CallerAccountId, database: Database
) -> Envelope[DeliveryReceipt]:
    """Return the newest receipt of a message, read or not."""
    row = await database.fetchrow(NEWEST, account_id, message_id)
    if row is None:
        raise ApiError(404, "not_found", "message_id: there is no receipt for such a message", "message_id")
    return success("Here is the delivery receipt.", DeliveryReceipt(**receipt_fields(row)))


@router.put("/v3/sms/receipts-read")
async def mark_receipts(
    account_id: CallerAccountId, database: Database, given: ReadMark | None = None
) -> Envelope[None]:
    """Mark as read what came up to a time."""
    await database.execute(MARK, account_id, (given or ReadMark()).moment)
    return success("The receipts have been marked as read.", None)
