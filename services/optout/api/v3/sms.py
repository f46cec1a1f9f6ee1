"""Sending single messages: `sms/send`, `sms/price`, and what is scheduled cancelled."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AfterValidator, StringConstraints

from services.optout.api.context import CallerAccountId, CallingUser, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import without_nul
from services.optout.api.rights import ApiUser
from services.optout.api.runtime import ApiRuntime
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.route import V3Route
from services.optout.api.v3.sms_accept import ACCEPTED, OPTED_OUT, ExaminedMessage, examined, keep
from services.optout.api.v3.sms_models import (
    Cancelled,
    GivenCustomString,
    GivenMessages,
    PricedMessages,
    PricedSms,
    SentMessages,
    SentSms,
)
from services.optout.sending.cancel import ask_to_cancel

# Cancels a scheduled message; what was published is cancelled by the sender, if it waits there.
CANCEL = """
UPDATE messages SET status = 'cancelled', changed_at = now()
WHERE account_id = $1 AND message_id = $2 AND status = 'scheduled' RETURNING message_id
"""
CANCEL_ALL = """
UPDATE messages SET status = 'cancelled', changed_at = now()
WHERE account_id = $1 AND ($2::text IS NULL OR custom_string = $2) AND status = 'scheduled' RETURNING message_id
"""

router = APIRouter(route_class=V3Route)

MessageIdInPath = Annotated[str, Path(), StringConstraints(max_length=128), AfterValidator(without_nul)]


@router.post("/v3/sms/send")
async def send_messages(
    given: GivenMessages, user: CallingUser, database: Database, runtime: ApiRuntime
) -> Envelope[SentMessages]:
    """Send up to 1,000 messages; each has a status of its own, and only those with `SUCCESS` are sent.

    A message with `list_id` and without `to` goes to the active members of the list, its placeholders filled in.
    """
    now = datetime.now(UTC)
    async with database.transaction():
        found = await examined(database, user, given, now, runtime.settings.link_url)
        messages = await keep(database, user, found, now)
    runtime.due_messages.wake()
    sent = SentMessages(
        total_count=len(messages),
        queued_count=_count(messages, ACCEPTED),
        messages=[_sent(each, user, now) for each in messages],
        blocked_count=_count(messages, OPTED_OUT),
    )
    return success("Messages queued for delivery.", sent)


@router.post("/v3/sms/price")
async def price_messages(
    given: GivenMessages, user: CallingUser, database: Database, runtime: ApiRuntime
) -> Envelope[PricedMessages]:
    """Return what each message would be: its segments with what is appended to it, its status; the price is 0."""
    now = datetime.now(UTC)
    messages = await examined(database, user, given, now, runtime.settings.link_url)
    priced = PricedMessages(
        total_count=len(messages),
        queued_count=_count(messages, ACCEPTED),
        messages=[_priced(each, now) for each in messages],
        blocked_count=_count(messages, OPTED_OUT),
    )
    return success("Price of messages.", priced)


@router.put("/v3/sms/cancel-all")
async def cancel_all(
    account_id: CallerAccountId, database: Database, runtime: ApiRuntime, given: GivenCustomString | None = None
) -> Envelope[Cancelled]:
    """Cancel every scheduled message, or those with a custom string; also those that wait in the sender."""
    custom_string = given.custom_string if given else None
    async with database.transaction():
        rows = await database.fetch(CANCEL_ALL, account_id, custom_string)
        waiting = await ask_to_cancel(database, account_id, custom_string=custom_string)
    runtime.due_messages.wake()
    return success("Scheduled messages have been cancelled.", Cancelled(count=len(rows) + waiting))


@router.put("/v3/sms/{message_id}/cancel")
async def cancel_message(
    message_id: MessageIdInPath, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> Envelope[None]:
    """Cancel a scheduled message; one that waits in the sender is cancelled if it has not left at that moment."""
    if await database.fetchval(CANCEL, account_id, message_id) is not None:
        return success("The message has been cancelled.", None)
    if not await ask_to_cancel(database, account_id, message_id=message_id):
        raise ApiError(404, "not_found", "message_id: there is no such scheduled message", "message_id")
    runtime.due_messages.wake()
    return success("The message has been cancelled.", None)


def _count(messages: Sequence[ExaminedMessage], status: str) -> int:
    return sum(each.status == status for each in messages)


def _sent(each: ExaminedMessage, user: ApiUser, now: datetime) -> SentSms:
    given = each.given
    return SentSms(
        date=int(now.timestamp()),
        to=each.phone or given.to or "",
        body=each.body,
        sender=each.sender_number or given.sender or "",
        schedule=given.schedule,
        message_id=each.message_id,
        message_parts=each.parts,
        from_email=given.from_email,
        list_id=given.list_id,
        custom_string=given.custom_string or "",
        contact_id=given.contact_id,
        user_id=user.user_id,
        subaccount_id=user.subaccount_id,
        country=given.country or "",
        status=each.status,
    )


def _priced(each: ExaminedMessage, now: datetime) -> PricedSms:
    given = each.given
    return PricedSms(
        date=str(int(now.timestamp())),
        to=each.phone or given.to or "",
        body=each.body,
        sender=each.sender_number or given.sender or "",
        schedule=str(given.schedule or ""),
        message_parts=each.parts,
        custom_string=given.custom_string or "",
        contact_id=given.contact_id,
        country=given.country or "",
        status=each.status,
    )
