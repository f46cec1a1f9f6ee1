"""Replies that an account has not read yet, as the decision log has them."""

import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.errors import ApiError
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.filters import Filter, FilterFields, fetch_filtered, filter_by
from services.optout.api.v3.models import Answer, GivenText
from services.optout.api.v3.paging import AskedPage, Page
from services.optout.api.v3.route import V3Route
from services.optout.api.v3.sms import MessageIdInPath
from services.optout.api.v3.sms_receipts import GivenUrl, ReadMark
from services.optout.decision_log.entry import Entry, entry_adapter

_REPLIES = """
FROM decisions d LEFT JOIN replies_read_before b ON b.account_id = d.account_id
WHERE d.account_id = $1 AND d.erasure_id IS NULL AND d.entry NOT LIKE '%"reason":"another_number"%'
    AND d.entry NOT LIKE '%"gateway":"review"%' AND d.entry NOT LIKE '%"gateway":"request"%'
"""
_UNREAD = f"""{_REPLIES} AND (b.read_before IS NULL OR d.decided_at > b.read_before)
    AND NOT EXISTS (SELECT FROM replies_read r WHERE r.account_id = d.account_id AND r.event_id = d.event_id)
"""
_FIELDS = FilterFields(
    {
        "timestamp": "extract(epoch FROM (d.entry::jsonb ->> 'received_at')::timestamptz)::bigint",
        "from": "d.phone",
        "to": "d.entry::jsonb ->> 'sender_number'",
        "body": "d.body",
        "message_id": "d.event_id",
        "original_message_id": "d.entry::jsonb ->> 'message_id'",
    },
    default_order="timestamp:asc",
    order={"timestamp": "d.decided_at"},
)
# The newest reply to one of the account's messages.
ANSWER = f"""
SELECT d.body, d.entry {_REPLIES} AND (d.entry::jsonb ->> 'message_id' = $2 OR d.event_id::text = $2)
    AND d.phone = coalesce((SELECT phone FROM messages WHERE account_id = $1 AND message_id = $2), d.phone)
ORDER BY d.decided_at DESC LIMIT 1
"""  # noqa: S608 (no value from outside)
MARK = """
INSERT INTO replies_read_before (account_id, read_before) VALUES ($1, $2)
ON CONFLICT (account_id) DO UPDATE SET read_before = greatest(replies_read_before.read_before, excluded.read_before)
"""
MARK_ONE = """
INSERT INTO replies_read (account_id, event_id)
SELECT account_id, event_id FROM decisions WHERE account_id = $1 AND event_id = $2 ON CONFLICT DO NOTHING
"""
IS_THERE = "SELECT FROM decisions WHERE account_id = $1 AND event_id = $2"

router = APIRouter(route_class=V3Route)


class _Reply(Answer):
    sender: str = Field(alias="from")
    body: str
    original_body: str = ""
    original_message_id: str = ""
    recipient: str = Field(alias="to")
    custom_string: str = ""
    message_id: str
    keyword: str = Field(alias="_keyword")


class InboundSms(_Reply):
    """A reply."""

    timestamp: int


class SampleReply(_Reply):
    """A reply as a rule would deliver it; its time has another name."""

    timestamp_send: int


class GivenWebhook(GivenUrl):
    webhook_type: GivenText | None = None


@router.get("/v3/sms/inbound", dependencies=[Fresh])
async def read_inbound(
    account_id: CallerAccountId,
    database: Database,
    asked: AskedPage,
    only: Annotated[Filter, Depends(filter_by(_FIELDS))],
) -> Envelope[Page[InboundSms]]:
    """Return the replies that are not marked as read, the oldest first where nothing else is asked for."""
    rows, total = await fetch_filtered(
        database, "d.body, d.entry", _UNREAD, account_id, only=only, asked=asked, tie="d.event_id"
    )
    return success("Here are your inbound messages.", asked.of([_shown(row) for row in rows], total))


@router.post("/v3/sms/inbound")
async def add_test_inbound(_: GivenWebhook, account_id: CallerAccountId) -> Envelope[SampleReply]:
    """Return a reply as a rule would deliver it. The address is not called."""
    message = SampleReply(
        timestamp_send=int(time.time()), sender="+14155550100", body="Test", recipient=account_id, message_id="test",
        keyword="Test",
    )  # fmt: skip
    return success("Here is a test message.", message)


@router.get("/v3/sms/inbound/{original_message_id}", dependencies=[Fresh])
async def read_answer(
    original_message_id: MessageIdInPath, account_id: CallerAccountId, database: Database
) -> Envelope[InboundSms]:
    """Return the newest reply to a message."""
    row = await database.fetchrow(ANSWER, account_id, original_message_id)
    if row is None:
        message = "original_message_id: there is no reply to such a message"
        raise ApiError(404, "not_found", message, "original_message_id")
    return success("Here is the inbound message.", _shown(row))


@router.put("/v3/sms/inbound-read")
async def mark_inbound(
    account_id: CallerAccountId, database: Database, given: ReadMark | None = None
) -> Envelope[None]:
    """Mark as read what came up to a time."""
    await database.execute(MARK, account_id, (given or ReadMark()).moment)
    return success("The messages have been marked as read.", None)


@router.put("/v3/sms/inbound-read/{message_id}")
async def mark_one(message_id: MessageIdInPath, account_id: CallerAccountId, database: Database) -> Envelope[None]:
    """Mark one reply as read."""
    event_id = _uuid(message_id)
    if event_id is None or await database.fetchrow(IS_THERE, account_id, event_id) is None:
        raise ApiError(404, "not_found", "message_id: there is no such message", "message_id")
    await database.execute(MARK_ONE, account_id, event_id)
    return success("The message has been marked as read.", None)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _shown(row: Any) -> InboundSms:
    entry: Entry = entry_adapter.validate_json(row["entry"])
    words = row["body"].split()
    return InboundSms(
        timestamp=int(entry.received_at.timestamp()),
        sender=entry.phone,
        body=row["body"],
        original_message_id=entry.message_id or "",
        recipient=entry.sender_number or "",
        message_id=str(entry.event_id),
        keyword=words[0] if words else "",
    )
