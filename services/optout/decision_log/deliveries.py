"""The messages that were sent, from `delivery-events`: rows that only ever move towards a final outcome."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.optout.decision_log.drops import is_of_message, save_drops
from services.optout.decision_log.position import PositionMovedError
from services.optout.recipient import Outcome
from shared.events.base import storable
from shared.events.delivery import (
    AnyDeliveryEvent,
    DeliveryReceiptReceived,
    MessageDispatching,
    MessageFailed,
    MessageOutcomeUnknown,
    MessageRejected,
    MessageSent,
    MessageSuppressed,
)
from shared.phones import settled_phone
from shared.postgres import Connection

_MOVE = """
UPDATE partition_positions SET delivery_next_offset = $3 WHERE partition = $1 AND delivery_next_offset = $2
RETURNING delivery_next_offset
"""

_RANK = "array_position(ARRAY['dispatching', 'unknown', 'sent', 'failed'], {})"

_SAVE_SENT = f"""
INSERT INTO sent_messages AS m
    (account_id, message_id, list_id, phone, sender_number, carrier_message_id, outcome, dispatched_at, instruction,
        confirms)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[], $9::text[], $10::uuid[])
ON CONFLICT (account_id, message_id) DO UPDATE SET
    instruction = coalesce(excluded.instruction, m.instruction),
    confirms = coalesce(excluded.confirms, m.confirms),
    carrier_message_id = coalesce(excluded.carrier_message_id, m.carrier_message_id),
    dispatched_at = least(excluded.dispatched_at, m.dispatched_at),
    outcome = CASE WHEN {_RANK.format("excluded.outcome")} > {_RANK.format("m.outcome")}
        THEN excluded.outcome ELSE m.outcome END
"""  # noqa: S608 (no value from outside)

_SAVE_LATER = f"""
UPDATE sent_messages m SET outcome = later.outcome
FROM unnest($1::text[], $2::text[], $3::text[]) AS later (account_id, message_id, outcome)
WHERE m.account_id = later.account_id AND m.message_id = later.message_id
    AND {_RANK.format("later.outcome")} > {_RANK.format("m.outcome")}
"""  # noqa: S608 (no value from outside)

# Kept for as long as evidence is: whoever keeps an old message must still be able to use its link. A message that is
# announced again leaves later than it seemed: an erasure in between must not erase its link.
_SAVE_LINKS = """
INSERT INTO opt_out_links AS l (token, account_id, message_id, list_id, phone, sender_number, dispatched_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
ON CONFLICT (token) DO UPDATE SET dispatched_at = excluded.dispatched_at WHERE l.dispatched_at < excluded.dispatched_at
"""

# The oldest; what another partition's follower deletes now is left to it.
_FORGET = """
DELETE FROM sent_messages WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM sent_messages WHERE dispatched_at < $1 ORDER BY dispatched_at LIMIT $2 FOR UPDATE SKIP LOCKED))
"""

_RANKS: dict[Outcome, int] = {"dispatching": 0, "unknown": 1, "sent": 2, "failed": 3}
_RECEIPT_OUTCOMES: dict[str, Outcome] = {"delivered": "sent", "failed": "failed"}


@dataclass
class _Sent:
    event: MessageDispatching | MessageSent | MessageFailed | MessageOutcomeUnknown
    outcome: Outcome
    carrier_message_id: str | None
    dispatched_at: datetime
    instruction: str | None = None
    confirms: UUID | None = None


async def record_deliveries(
    connection: Connection, partition: int, expected: int, next_offset: int, events: Sequence[AnyDeliveryEvent]
) -> None:
    """Save what the events say and move the position, all or nothing.

    Raises:
        PositionMovedError: another process has recorded them.
    """
    async with connection.transaction():
        if await connection.fetchval(_MOVE, partition, expected, next_offset) is None:
            raise PositionMovedError(f"delivery events of partition {partition} are no longer at {expected}")
        sent = _fold(events)
        if sent:
            await connection.execute(_SAVE_SENT, *_columns(sent))
        links = [event for event in events if isinstance(event, MessageDispatching) and event.link_token is not None]
        if links:
            await connection.execute(_SAVE_LINKS, *_link_columns(links))
        later = _later_outcomes(events)
        if later:
            await connection.execute(_SAVE_LATER, *(list(column) for column in zip(*later, strict=True)))
        await save_drops(connection, events)


def _fold(events: Sequence[AnyDeliveryEvent]) -> list[_Sent]:
    """Return one row for each message: the outcome that is furthest, the earliest time."""
    rows: dict[tuple[str, str], _Sent] = {}
    for event in events:
        match event:
            case MessageDispatching():
                instruction = event.instruction and storable(event.instruction)
                new = _Sent(event, "dispatching", None, event.occurred_at, instruction, event.confirms_opt_out)
            case MessageSent():
                new = _Sent(event, "sent", storable(event.carrier_message_id), event.occurred_at)
            case MessageFailed():
                new = _Sent(event, "failed", None, event.occurred_at)
            case MessageOutcomeUnknown():
                new = _Sent(event, "unknown", None, event.occurred_at)
            case _:
                continue
        row = rows.setdefault((event.account_id, event.message_id), new)
        row.outcome = max(row.outcome, new.outcome, key=_RANKS.__getitem__)
        row.carrier_message_id = row.carrier_message_id or new.carrier_message_id
        row.confirms = row.confirms or new.confirms
        row.instruction = new.instruction or row.instruction  # announced again, its text may be another
        row.dispatched_at = min(row.dispatched_at, new.dispatched_at)
    return list(rows.values())


def _later_outcomes(events: Sequence[AnyDeliveryEvent]) -> list[tuple[str, str, Outcome]]:
    """Return the outcomes of messages that were announced before: receipts, and drops at the last moment."""
    outcomes: dict[tuple[str, str], Outcome] = {}
    for event in events:
        match event:
            case DeliveryReceiptReceived(message_id=str(message_id), status="delivered" | "failed" as status):
                key, outcome = (event.account_id, message_id), _RECEIPT_OUTCOMES[status]
            case MessageSuppressed():
                key, outcome = (event.account_id, event.message_id), "failed"
            case MessageRejected(account_id=str(account_id)) if is_of_message(event, account_id):
                key, outcome = (account_id, event.message_id), "failed"
            case _:
                continue
        outcomes[key] = max(outcome, outcomes.get(key, outcome), key=_RANKS.__getitem__)
    return [(*key, outcome) for key, outcome in outcomes.items()]


def _columns(rows: Sequence[_Sent]) -> list[list[object]]:
    return [
        [row.event.account_id for row in rows],
        [row.event.message_id for row in rows],
        [row.event.list_id for row in rows],
        [settled_phone(row.event.phone) for row in rows],  # a sender of an older version may have sent another spelling
        [row.event.sender_number for row in rows],
        [row.carrier_message_id for row in rows],
        [row.outcome for row in rows],
        [row.dispatched_at for row in rows],
        [row.instruction for row in rows],
        [row.confirms for row in rows],
    ]


def _link_columns(announced: Iterable[MessageDispatching]) -> list[list[object]]:
    """Return a row for each link; of a message that was announced more than once, the last announcement's."""
    events = {event.link_token: event for event in sorted(announced, key=lambda each: each.occurred_at)}.values()
    return [
        [event.link_token for event in events],
        [event.account_id for event in events],
        [event.message_id for event in events],
        [event.list_id for event in events],
        [settled_phone(event.phone) for event in events],
        [event.sender_number for event in events],
        [event.occurred_at for event in events],
    ]


async def forget_sent(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` messages older than the attribution window; return how many."""
    deleted = await connection.execute(_FORGET, before, limit)
    return int(deleted.split()[-1])
