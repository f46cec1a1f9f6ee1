"""The events about a message as Kafka records.

They are written out field by field, in a tenth of the time that building the models takes; a test holds them against
the models of `shared.events.delivery`, byte by byte. Texts that may hold anything are encoded as JSON by pydantic.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import sha1

from pydantic_core import to_json

from services.sender.ledger.model import Row
from shared.events.base import STOPLINE_NAMESPACE, format_time
from shared.events.codec import Headers
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

_NAMESPACE = sha1(STOPLINE_NAMESPACE.bytes, usedforsecurity=False)
_VARIANT = {digit: f"{int(digit, 16) & 0b0011 | 0b1000:x}" for digit in "0123456789abcdef"}

_Kind = type[MessageDispatching | MessageSent | MessageSuppressed | MessageFailed | MessageOutcomeUnknown]
_time = lru_cache(maxsize=1024)(format_time)  # a batch has few moments


def announced(request: MessageRequested, decision_started_at: datetime, at: datetime) -> OutgoingRecord:
    """Return `message_dispatching`: the carrier is about to be called."""
    more = f',"decision_started_at":"{_time(decision_started_at)}","instruction":'.encode()
    return _record(MessageDispatching, request, at, more + to_json(instruction_of(request.body)))


def outcome_event(row: Row) -> OutgoingRecord:
    """Return the event for a row that has an outcome: the same however often it is published."""
    match row.state:
        case "suppressed":
            state, scope = (row.detail or "").split(" ", 1)
            at = _time(row.decision_started_at)
            more = f',"scope":"{scope}","state":"{state}","decision_started_at":"{at}"'
            return _record(MessageSuppressed, row, row.changed_at, more.encode())
        case "sent":
            return _record(MessageSent, row, row.changed_at, b',"carrier_message_id":' + to_json(row.detail))
        case "failed":
            return _record(MessageFailed, row, row.changed_at, b',"reason":' + to_json(row.detail))
        case "unknown":
            return _record(MessageOutcomeUnknown, row, row.changed_at, b"")
        case "pending" | "dispatching":
            raise AssertionError(f"message {row.message_id} has no outcome yet")


def _record(kind: _Kind, message: MessageRequested | Row, at: datetime, more: bytes) -> OutgoingRecord:
    name, headers = _constant(kind)
    event_id, moment = _event_id(message.account_id, message.message_id, name), _time(at)
    value = (
        f'{{"type":"{name}","version":1,"event_id":"{event_id}","occurred_at":"{moment}",'
        f'"account_id":"{message.account_id}","message_id":{to_json(message.message_id).decode()},'
        f'"list_id":{message.list_id},"phone":"{message.phone}","sender_number":"{message.sender_number}"'
    )
    return OutgoingRecord(
        message.phone.encode(),
        value.encode() + more + b"}",
        [headers[0], ("ce_id", event_id.encode()), *headers[1:], ("ce_time", moment.encode())],
    )


@lru_cache
def _constant(kind: _Kind) -> tuple[str, Headers]:
    """Return the type, and the headers that all events of the kind have."""
    return kind.model_fields["type"].default, [
        ("ce_specversion", b"1.0"),
        ("ce_type", kind.cloud_event_type().encode()),
        ("ce_source", SOURCE.encode()),
        ("content-type", b"application/json"),
    ]


def _event_id(account_id: str, message_id: str, event_type: str) -> str:
    """Return `delivery_event_id` as text: a UUIDv5 (RFC 9562, 5.5), without an object for each."""
    hashed = _NAMESPACE.copy()
    hashed.update(f"{account_id}|{message_id}|{event_type}".encode())
    text = hashed.hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"
