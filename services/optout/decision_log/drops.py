"""The messages that never left, from `delivery-events` and the API: dropped because of an opt-out, or rejected."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from shared.events.base import storable
from shared.events.delivery import AnyDeliveryEvent, MessageRejected, MessageSuppressed, delivery_event_id
from shared.phones import settled_phone
from shared.postgres import Connection

_SAVE = """
INSERT INTO dropped_messages (account_id, message_id, phone, list_id, sender_number, outcome, reason, dropped_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[])
ON CONFLICT (account_id, message_id) DO NOTHING
"""

# The oldest; what another partition's follower deletes now is left to it.
_FORGET = """
DELETE FROM dropped_messages WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM dropped_messages WHERE dropped_at < $1 ORDER BY dropped_at LIMIT $2 FOR UPDATE SKIP LOCKED))
"""

_Row = tuple[str, str, str, int | None, str | None, str, str | None, datetime]


class RefusedMessage(NamedTuple):
    """A message that was refused when it was asked for: `scope` is the one in which the recipient had opted out."""

    phone: str
    list_id: int
    sender_number: str
    scope: str


async def save_refusals(
    connection: Connection, account_id: str, refused: Iterable[RefusedMessage], now: datetime
) -> None:
    """Save messages that the API refused; they have no ids of their own."""
    rows = [
        (account_id, str(uuid4()), each.phone, each.list_id, each.sender_number, "suppressed", each.scope, now)
        for each in refused
    ]
    if rows:
        await connection.execute(_SAVE, *(list(column) for column in zip(*rows, strict=True)))


async def save_drops(connection: Connection, events: Sequence[AnyDeliveryEvent]) -> None:
    """Save the drops among the events; one that comes again changes nothing."""
    rows = {row[:2]: row for event in events if (row := _row(event)) is not None}
    if rows:
        await connection.execute(_SAVE, *(list(column) for column in zip(*rows.values(), strict=True)))


def _row(event: AnyDeliveryEvent) -> _Row | None:
    match event:
        case MessageSuppressed():
            who = event.account_id, event.message_id, settled_phone(event.phone)
            return *who, event.list_id, event.sender_number, "suppressed", event.scope, event.occurred_at
        case MessageRejected(account_id=str(account_id), phone=str(phone)) if is_of_message(event, account_id):
            reason = storable(f"{event.reason}: {event.detail}")
            who = account_id, event.message_id, settled_phone(phone)
            return *who, None, None, "rejected", reason, event.occurred_at
        case _:
            return None


def is_of_message(event: MessageRejected, account_id: str) -> bool:
    """Say whether a message was rejected: a record that was parked may only share its id with one."""
    return event.event_id == delivery_event_id(account_id, event.message_id, event.type)


async def forget_drops(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` of those before a time; return how many."""
    deleted = await connection.execute(_FORGET, before, limit)
    return int(deleted.split()[-1])
