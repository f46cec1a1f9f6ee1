"""The replies of a history: which records repeat a reply, and the id under which each reply is decided.

A repetition is the same reply in every respect but the time of its arrival. An event id is not always unique: a record
with the id of another reply is a reply of its own. So is a repetition that the opt-out service decided again, because
its gateway gave no time. Each has an id of its own in the decision log; `came_as` is the id that its record has.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from harness.checker.history import History, ReplyRecord
from shared.events.base import derived_id
from shared.events.inbound import MessageReceived


class ReplyContent(NamedTuple):
    """The content of a reply, by which its repetitions are known; `arrived_at` only if the gateway gave it no id."""

    event_id: UUID
    account_id: str
    phone: str
    gateway: str
    gateway_message_id: str | None
    sender_number: str | None
    sent_at: datetime | None
    unusable_sent_at: str | None
    body: str
    arrived_at: datetime | None


def replies_by_id(history: History) -> dict[UUID, ReplyRecord]:
    """Return the first record of each reply by the reply's id, in the order of the log."""
    decided_as = {(e.partition, e.offset): e.event_id for e in history.entries if e.came_as is not None}
    ids: dict[ReplyContent, UUID] = {}
    found: dict[UUID, ReplyRecord] = {}
    for record in sorted(history.replies, key=lambda r: (r.partition, r.offset)):
        content = _content(record.event)
        reply_id = decided_as.get((record.partition, record.offset)) or ids.get(content) or _unused_id(record, found)
        ids.setdefault(content, reply_id)
        found.setdefault(reply_id, record)
    return found


def _unused_id(record: ReplyRecord, found: dict[UUID, ReplyRecord]) -> UUID:
    event_id = record.event.event_id
    return derived_id(event_id, "undecided", str(record.offset)) if event_id in found else event_id


def _content(event: MessageReceived) -> ReplyContent:
    return ReplyContent(
        event.event_id,
        event.account_id,
        event.phone,
        event.gateway,
        event.gateway_message_id,
        event.sender_number,
        event.sent_at,
        event.unusable_sent_at,
        event.body,
        event.occurred_at if event.gateway_message_id is None else None,
    )
