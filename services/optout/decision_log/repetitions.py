"""Recognises repetitions of events that are decided, and other events that came with the id of one: pure.

A gateway repeats a webhook, a producer a record. A repetition is the same event in every respect. An id is not always
unique: what comes under the id of another event is an event of its own, with an id made from both. Where a gateway's id
comes without a time, nothing distinguishes a repetition from the same words written again. Such a reply is decided once
more, and recorded only if it is a new opt-out: to record a STOP twice does no harm, to ignore one does. So is an event
with the id of one that was erased: nobody can compare the two any more.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from services.optout.clicks import LinkOptOut
from services.optout.decide import DecidableEvent, Decision, Held, OptOut
from services.optout.decision_log.entry import Entry, recorded_phone, stored_body
from services.optout.decision_log.origin import REQUEST, REVIEW
from services.optout.requests import Requested
from shared.events.base import derived_id, format_time
from shared.events.inbound import CarrierBlocked, MessageReceived, ReviewDecided


class Identity(NamedTuple):
    """The identity of an event, which excludes `received_at` where the gateway gave its reply an id."""

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

    @property
    def is_erased(self) -> bool:
        """Whether it is of an erased entry, which does not say any more what the reply was."""
        return not self.body_sha256

    def is_same_event(self, other: "Identity") -> bool:
        """Say whether two events with one id are one reply; True also where it may be the same words written again."""
        has_id = self.gateway_message_id is not None or self.held_event_id is not None
        return self[:-1] == other[:-1] and (has_id or self.received_at == other.received_at)


def identity_of(event: DecidableEvent) -> Identity:
    body_sha256 = sha256(stored_body(event).encode()).hexdigest()
    who = event.account_id, recorded_phone(event)
    if isinstance(event, ReviewDecided):
        return Identity(*who, REVIEW, None, None, None, None, body_sha256, event.held_event_id, event.occurred_at)
    if not isinstance(event, MessageReceived):
        number = event.sender_numbers[0] if isinstance(event, CarrierBlocked) and event.sender_numbers else None
        request = REQUEST, str(event.event_id)
        return Identity(*who, *request, number, None, None, body_sha256, None, event.occurred_at)
    return Identity(
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


def identity_of_entry(entry: Entry, body: str = "") -> Identity:
    """Return the identity of what the entry decides; `body` is its text, which of joined parts has more than that."""
    is_message = entry.gateway != REVIEW
    own_sha256 = entry.body_sha256
    if entry.part is not None and entry.part.joined and not entry.is_erased:
        own_sha256 = sha256(body[entry.part.start : entry.part.end].encode()).hexdigest()
    return Identity(
        entry.account_id,
        entry.phone,
        entry.gateway,
        entry.gateway_message_id,
        entry.sender_number if is_message else None,
        entry.sent_at if is_message else None,
        entry.unusable_sent_at,
        own_sha256,
        entry.held_event_id,
        entry.received_at,
    )


class Identities:
    """The identities of what is decided, by event id: in the log, and earlier in the batch. Few are asked about."""

    def __init__(self, known: Mapping[UUID, Identity]) -> None:
        self._known = known
        self._added: dict[UUID, DecidableEvent] = {}

    def add(self, event: DecidableEvent) -> None:
        """Note that the event is decided, under an id that nothing had."""
        self._added[event.event_id] = event

    def get(self, event_id: UUID) -> Identity | None:
        """Return what is decided under the id."""
        added = self._added.get(event_id)
        return self._known.get(event_id) if added is None else identity_of(added)


class Identified(NamedTuple):
    """An event with the id under which it is decided; one that may be a repetition counts if it is a new opt-out."""

    event: DecidableEvent
    may_be_repetition: bool


def identify(event: DecidableEvent, offset: int, decided: Identities | Mapping[UUID, Identity]) -> Identified | None:
    """Return the event at `offset` with an id that none of the `decided` has; None for a repetition of one of them."""
    same_id = decided.get(event.event_id)
    if same_id is not None and same_id.is_erased:
        return Identified(_with_id_of_offset(event, offset), may_be_repetition=True)
    if same_id is not None and not same_id.is_same_event(identity_of(event)):
        event = with_own_id(event)
        same_id = decided.get(event.event_id)
    if same_id is None:
        return Identified(event, may_be_repetition=False)
    if not _may_be_written_again(event, same_id):
        return None
    return Identified(_with_id_of_offset(event, offset), may_be_repetition=True)


def with_own_id(event: DecidableEvent) -> DecidableEvent:
    """Return an event that has the id of another one, with an id of its own: the same for its repetitions."""
    identity = identity_of(event)
    has_id = identity.gateway_message_id is not None or identity.held_event_id is not None
    parts = [str(part) for part in identity[:-1]] + ([] if has_id else [format_time(identity.received_at)])
    return event.model_copy(update={"event_id": derived_id(event.event_id, "another", *parts)})


def _with_id_of_offset(event: DecidableEvent, offset: int) -> DecidableEvent:
    """Return an event that has the id of one that may be the same, with an id that no other event has."""
    return event.model_copy(update={"event_id": derived_id(event.event_id, "again", str(offset))})


def _may_be_written_again(event: DecidableEvent, decided: Identity) -> bool:
    """Say whether an event like one that is decided may be the same words again: it does not say when it was sent.

    So is a link that is confirmed again: its recipient may have come back in between. What a gateway lists is not: it
    is listed once, however often the list is read.
    """
    is_written_again = isinstance(event, MessageReceived) and event.sent_at is None and event.listed_sent_at is None
    return (is_written_again or isinstance(event, LinkOptOut)) and event.occurred_at != decided.received_at


def kept_of_repetition(decision: Decision) -> Decision | None:
    """Return what is kept of a decision about what may be a repetition: an opt-out, or a likely one, that is new.

    Nothing confirms it: what it may repeat has had its answer.
    """
    match decision:
        case OptOut(changed=changed, raised=raised):
            return replace(decision, confirmation=None) if changed or raised else None
        case Requested(kind="opt_out", changed=changed, raised=raised):
            return decision if changed or raised else None
        case Held(changed=changed):
            return decision if changed else None
        case _:
            return None
