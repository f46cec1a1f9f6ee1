"""Which record is a repetition of one that is decided, and which only has its id: pure.

A gateway repeats a webhook, a producer a record. A repetition is the same message in every respect. An id is not always
unique: what comes under the id of another message is a message of its own, with an id made from both. Where a gateway's
id comes without a time, the same words may be said again: then what asks for an opt-out is looked at once more, for a
STOP that is heard twice does no harm, and one that is taken for a repetition does.
"""

from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from services.optout.decide import DecidableEvent, Decision, Held, OptOut
from services.optout.record.entry import REVIEW, Entry, stored_body
from shared.events.base import derived_id, format_time
from shared.events.inbound import MessageReceived, ReviewDecided


class Seen(NamedTuple):
    """The identity of a message, which excludes `received_at` where the gateway gave the message an id."""

    account_id: str
    phone: str
    gateway: str
    gateway_message_id: str | None
    sender_number: str | None
    sent_at: datetime | None
    unusable_sent_at: str | None
    body_sha256: str
    held_event_id: UUID | None
    received_at: datetime

    def is_same_message(self, other: "Seen") -> bool:
        """Say whether two records with one id are one message, or the same words again."""
        has_id = self.gateway_message_id is not None or self.held_event_id is not None
        return self[:-1] == other[:-1] and (has_id or self.received_at == other.received_at)


def seen_of(event: DecidableEvent) -> Seen:
    body_sha256 = sha256(stored_body(event).encode()).hexdigest()
    who = event.account_id, event.phone
    if isinstance(event, ReviewDecided):
        return Seen(*who, REVIEW, None, None, None, None, body_sha256, event.held_event_id, event.occurred_at)
    return Seen(
        *who,
        event.gateway,
        event.gateway_message_id,
        event.sender_number,
        event.sent_at,
        event.unusable_sent_at,
        body_sha256,
        None,
        event.occurred_at,
    )


def seen_of_entry(entry: Entry) -> Seen:
    is_message = entry.gateway != REVIEW
    return Seen(
        entry.account_id,
        entry.phone,
        entry.gateway,
        entry.gateway_message_id,
        entry.sender_number if is_message else None,
        entry.sent_at if is_message else None,
        entry.unusable_sent_at,
        entry.body_sha256,
        entry.held_event_id,
        entry.received_at,
    )


def under_its_own_id(event: DecidableEvent) -> DecidableEvent:
    """Return an event that has the id of another message, with an id of its own: the same for its repetitions."""
    seen = seen_of(event)
    has_id = seen.gateway_message_id is not None or seen.held_event_id is not None
    parts = [str(part) for part in seen[:-1]] + ([] if has_id else [format_time(seen.received_at)])
    return event.model_copy(update={"event_id": derived_id(event.event_id, "another", *parts)})


def said_again(event: DecidableEvent, offset: int) -> DecidableEvent:
    """Return an event that may be a repetition, with the id under which it is decided if it is none."""
    return event.model_copy(update={"event_id": derived_id(event.event_id, "again", str(offset))})


def may_be_said_again(event: DecidableEvent, seen: Seen) -> bool:
    """Say whether an event like one that was `seen` may be the same words again: nothing shows when they were said."""
    has_no_time = isinstance(event, MessageReceived) and event.sent_at is None
    return has_no_time and event.occurred_at != seen.received_at


def asks_for_more(decision: Decision) -> bool:
    """Say whether a decision is an opt-out, or may be one, that is not in force."""
    match decision:
        case OptOut(changed=changed, raised=raised):
            return bool(changed or raised)
        case Held(changed=changed):
            return bool(changed)
        case _:
            return False
