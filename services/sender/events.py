"""The events about a message as Kafka records.

They are made from dicts: the models of `shared.events.delivery` would validate again what the sender knows already. A
test holds them against the models, byte by byte. `python -m benchmarks.events` compares the two.
"""

from datetime import datetime
from typing import Any

from pydantic_core import to_json

from services.sender.ledger.model import Row
from shared.events.base import derived_id_text, format_time
from shared.events.codec import headers_of
from shared.events.delivery import (
    MessageDispatching,
    MessageFailed,
    MessageOutcomeUnknown,
    MessageSent,
    MessageSuppressed,
)
from shared.events.outbound import MessageRequested
from shared.instructions import instruction_of
from shared.producer import OutgoingRecord

SOURCE = "stopline/sender"

_Kind = type[MessageDispatching | MessageSent | MessageSuppressed | MessageFailed | MessageOutcomeUnknown]


def announced(request: MessageRequested, decision_started_at: datetime, at: datetime) -> OutgoingRecord:
    """Return `message_dispatching`: the carrier is about to be called."""
    more = {"decision_started_at": format_time(decision_started_at), "instruction": instruction_of(request.body)}
    return _record(MessageDispatching, "message_dispatching", request, at, more)


def outcome_event(row: Row) -> OutgoingRecord:
    """Return the event for a row that has an outcome: the same however often it is published."""
    match row.state:
        case "suppressed":
            state, scope = (row.detail or "").split(" ", 1)
            more = {"scope": scope, "state": state, "decision_started_at": format_time(row.decision_started_at)}
            return _record(MessageSuppressed, "message_suppressed", row, row.changed_at, more)
        case "sent":
            return _record(MessageSent, "message_sent", row, row.changed_at, {"carrier_message_id": row.detail})
        case "failed":
            return _record(MessageFailed, "message_failed", row, row.changed_at, {"reason": row.detail})
        case "unknown":
            return _record(MessageOutcomeUnknown, "message_outcome_unknown", row, row.changed_at, {})
        case "pending" | "dispatching":
            raise AssertionError(f"message {row.message_id} has no outcome yet")


def _record(
    kind: _Kind, name: str, message: MessageRequested | Row, at: datetime, more: dict[str, Any]
) -> OutgoingRecord:
    event_id, moment = derived_id_text(message.account_id, message.message_id, name), format_time(at)
    value = {
        "type": name,
        "version": 1,
        "event_id": event_id,
        "occurred_at": moment,
        "account_id": message.account_id,
        "message_id": message.message_id,
        "list_id": message.list_id,
        "phone": message.phone,
        "sender_number": message.sender_number,
        **more,
    }
    headers = headers_of(kind, SOURCE, event_id, moment)
    return OutgoingRecord(message.phone.encode(), to_json(value), headers)
