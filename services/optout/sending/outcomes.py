"""The outcomes of messages, from `delivery-events`: statuses that only ever move on, receipts, the lists of numbers.

Every event may come again, in any order: each write has the same effect twice, and a later status stays.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from services.optout.sending.lists_of_numbers import ListOfNumber, add_lists
from services.optout.sending.receipts import hand_on
from services.optout.sending.status import RANK, RANKS, Status
from shared.consumer import Polled
from shared.errors import PoisonError
from shared.event_records import event_of
from shared.events.base import format_time, storable
from shared.events.delivery import (
    DeliveryEvent,
    DeliveryReceiptReceived,
    MessageDispatching,
    MessageFailed,
    MessageOutcomeUnknown,
    MessageRejected,
    MessageSent,
    MessageSuppressed,
    MessageWaiting,
    RecipientErased,
    delivery_event_adapter,
)
from shared.postgres import Connection, Pool, connection_from

_IS_LATER = f"{RANK.format('later.status')} > {RANK.format('m.status')}"

# Moves messages on; those of other producers are not among them.
CHANGE = f"""
UPDATE messages m SET
    status = CASE WHEN {_IS_LATER} THEN later.status ELSE m.status END,
    error = CASE WHEN {_IS_LATER} THEN later.error ELSE m.error END,
    carrier_message_id = coalesce(m.carrier_message_id, later.carrier_message_id),
    dispatched_at = coalesce(m.dispatched_at, later.dispatched_at), parts = coalesce(later.segments, m.parts),
    changed_at = now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
    $7::int[]) AS later (account_id, message_id, status, error, carrier_message_id, dispatched_at, segments)
WHERE m.account_id = later.account_id AND m.message_id = later.message_id
"""  # noqa: S608 (no value from outside)

ADD_RECEIPTS = """
INSERT INTO receipts (receipt_id, account_id, message_id, carrier_message_id, status, gateway_status, received_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
ON CONFLICT (receipt_id) DO NOTHING
"""

# A receipt that has the carrier's id alone finds its message, whichever of the two came first.
JOIN_RECEIPTS = f"""
WITH found AS (
    UPDATE receipts r SET message_id = m.message_id FROM messages m
    WHERE r.account_id = ANY($1::text[]) AND r.carrier_message_id = ANY($2::text[]) AND r.message_id IS NULL
        AND m.account_id = r.account_id AND m.carrier_message_id = r.carrier_message_id
    RETURNING m.account_id, m.message_id, r.receipt_id, r.status, r.gateway_status
), later AS (
    SELECT DISTINCT ON (account_id, message_id) account_id, message_id, gateway_status AS error,
        CASE status WHEN 'delivered' THEN 'delivered' ELSE 'undelivered' END AS status
    FROM found WHERE status <> 'pending' ORDER BY account_id, message_id, status
), moved AS (
    UPDATE messages m SET status = later.status, changed_at = now(),
        error = CASE later.status WHEN 'undelivered' THEN later.error END
    FROM later WHERE m.account_id = later.account_id AND m.message_id = later.message_id AND {_IS_LATER}
)
SELECT receipt_id FROM found
"""  # noqa: S608 (no value from outside)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a message's status."""

    account_id: str
    message_id: str
    status: Status
    error: str | None = None
    carrier_message_id: str | None = None
    dispatched_at: datetime | None = None
    segments: int | None = None

    def merged(self, other: "Change") -> "Change":
        """Return both in one: the later status, and what either of them knows."""
        first, last = sorted((self, other), key=lambda each: RANKS[each.status])
        return Change(
            self.account_id,
            self.message_id,
            last.status,
            last.error,
            first.carrier_message_id or last.carrier_message_id,
            first.dispatched_at or last.dispatched_at,
            first.segments or last.segments,
        )


class OutcomeHandler:
    """A handler of the delivery events of a batch, which may come again."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def record(self, events: list[DeliveryEvent]) -> None:
        """Write what the events say, all or nothing.

        Raises:
            TransientError: Postgres is unavailable.
        """
        if events:
            async with connection_from(self._pool) as connection, connection.transaction():
                await _record(connection, events)


async def _record(connection: Connection, events: Sequence[DeliveryEvent]) -> None:
    announced = [event for event in events if isinstance(event, MessageDispatching)]
    await add_lists(connection, (ListOfNumber(e.account_id, e.sender_number, e.list_id) for e in announced))
    receipts = {e.event_id: e for e in events if isinstance(e, DeliveryReceiptReceived)}
    if receipts:
        await connection.execute(ADD_RECEIPTS, *zip(*map(_row, receipts.values()), strict=True))
    changes = changes_of(events)
    if changes:
        await connection.execute(CHANGE, *zip(*map(astuple, changes), strict=True))
    pointers = {(c.account_id, c.carrier_message_id) for c in changes if c.carrier_message_id is not None}
    pointers |= {(e.account_id, storable(e.carrier_message_id)) for e in receipts.values() if e.message_id is None}
    joined: list[Any] = []
    if pointers:
        accounts, carriers = zip(*sorted(pointers), strict=True)
        joined = await connection.fetch(JOIN_RECEIPTS, list(set(accounts)), list(set(carriers)))
    if receipts or joined:
        await hand_on(connection, [*receipts, *(row["receipt_id"] for row in joined)])


def changes_of(events: Sequence[DeliveryEvent]) -> list[Change]:
    """Return one change for each message that the events name, in the order of their ids."""
    found: dict[tuple[str, str], Change] = {}
    for event in events:
        change = _change(event)
        if change is not None:
            key = change.account_id, change.message_id
            found[key] = found[key].merged(change) if key in found else change
    return [found[key] for key in sorted(found)]


def _change(event: DeliveryEvent) -> Change | None:
    if isinstance(event, RecipientErased):
        return None
    status, error, carrier_message_id, at = _said(event)
    if status is None or event.account_id is None or event.message_id is None:
        return None
    error, carrier_message_id = (text and storable(text) for text in (error, carrier_message_id))
    segments = event.segments if isinstance(event, MessageDispatching) else None
    return Change(event.account_id, event.message_id, status, error, carrier_message_id, at, segments)


def _said(event: DeliveryEvent) -> tuple[Status | None, str | None, str | None, datetime | None]:
    """Return the status that an event gives a message, why, the carrier's id, and when the carrier was called."""
    said: tuple[Status | None, str | None, str | None, datetime | None] = None, None, None, None
    match event:
        case MessageDispatching():
            said = "dispatching", None, None, event.occurred_at
        case MessageSent():
            said = "sent", None, event.carrier_message_id, event.occurred_at
        case MessageSuppressed():
            said = "suppressed", f"{event.state}: {event.scope}", None, None
        case MessageFailed():
            said = "failed", event.reason, None, None
        case MessageOutcomeUnknown():
            said = "unknown", None, None, None
        case MessageWaiting():
            said = "waiting", f"{event.reason}: until {format_time(event.until)}", None, None
        case MessageRejected():
            is_cancelled = event.reason == "cancelled"
            said = "cancelled" if is_cancelled else "rejected", f"{event.reason}: {event.detail}", None, None
        case DeliveryReceiptReceived(status="delivered"):
            said = "delivered", None, None, None
        case DeliveryReceiptReceived(status="failed"):
            said = "undelivered", event.gateway_status, None, None
    return said


def _row(event: DeliveryReceiptReceived) -> tuple[object, ...]:
    carrier_message_id, gateway_status = storable(event.carrier_message_id), storable(event.gateway_status)
    about = event.account_id, event.message_id, carrier_message_id
    return event.event_id, *about, event.status, gateway_status, event.occurred_at


def events_of(records: Sequence[Polled]) -> list[DeliveryEvent]:
    """Return the events of a batch; what cannot be read is parked by the opt-out pipeline."""
    events = []
    for record in records:
        try:
            events.append(event_of(delivery_event_adapter, record))
        except PoisonError:
            continue
    return events
