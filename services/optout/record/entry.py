"""One decision as the record has it, and what is published of it: the same whenever it is read again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import TypeAdapter

from services.optout.decide import DecidableEvent, Decision, Held, OptIn, OptOut, Reviewed, Unchanged
from services.optout.follow_ups import FollowUp, reply_id
from services.optout.order import Times, opt_out_times
from services.optout.record.text import storable
from services.optout.rules import RuleMatch
from services.optout.scopes import ACCOUNT
from shared.events.base import derived_id
from shared.events.inbound import MessageReceived
from shared.events.opt_out import AnyOptOutEvent, AttributionMethod, HeldReleased, OptedIn, OptedOut, OptOutHeld
from shared.events.outbound import MessageRequested
from shared.events.suppression import SuppressionChanged, SuppressionState

DecisionKind = Literal["opt_out", "held", "opt_in", "help", "confirmed", "released", "none"]

STATES: dict[DecisionKind, SuppressionState] = {
    "opt_out": "opted_out",
    "held": "held",
    "opt_in": "opted_in",
    "confirmed": "opted_out",
    "released": "opted_in",
}
"""What the scopes of an entry are in afterwards."""
REVIEW = "review"
"""What stands for the gateway and the rule where a person decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of the record: everything about a decision except the text of the message, of which it has the SHA-256.

    `changed` are the scopes that are suppressed now and were not before, or the other way round; `raised` those that
    were held and are opted out; `confirmed` those for which the same was asked before. `matched_by`, `term`, `start`,
    `end` and `normalised_by` say what the rules saw. What a person decided has `held_event_id` and `by`.
    `unusable_sent_at` is what the gateway gave in place of a time, `untimed_at` when what was held came without one;
    `came_as` is the id with which the message came, where another message had it before. A dataclass: there is one for
    each message, and it takes a quarter of a model's time to make.
    """

    partition: int
    offset: int
    event_id: UUID
    account_id: str
    phone: str
    sender_number: str | None
    gateway: str
    gateway_message_id: str | None
    received_at: datetime
    sent_at: datetime | None
    body_sha256: str
    decided_at: datetime
    answer: DecisionKind
    reason: str
    rule: str | None = None
    rule_version: int | None = None
    term: str | None = None
    attribution: AttributionMethod | None = None
    message_id: str | None = None
    changed: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    rule_id: int | None = None
    matched_by: str | None = None
    start: int | None = None
    end: int | None = None
    normalised_by: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    held_event_id: UUID | None = None
    by: str | None = None
    follow_ups: tuple[FollowUp, ...] = ()
    unusable_sent_at: str | None = None
    untimed_at: datetime | None = None
    came_as: UUID | None = None

    @property
    def cause_event_id(self) -> UUID:
        """The message that caused the states that the entry leaves."""
        return self.held_event_id or self.event_id

    @property
    def opt_out_times(self) -> Times:
        """The times by which an opt-in is older or later than what the entry asks for."""
        if self.held_event_id is not None:
            return self.sent_at, self.untimed_at
        return opt_out_times(self.sent_at, self.unusable_sent_at, self.received_at)


entries: TypeAdapter[Entry] = TypeAdapter(Entry)


def entry_text(entry: Entry) -> str:
    """Return the entry as it is chained and kept: JSON, its fields in their order, times in UTC."""
    return entries.dump_json(entry).decode()


def stored_body(event: DecidableEvent) -> str:
    """Return the text of the message as it is kept; a person's decision has none."""
    return storable(event.body) if isinstance(event, MessageReceived) else ""


def entry_of(  # noqa: PLR0913, PLR0917 (what is decided, at which offset, and when)
    event: DecidableEvent,
    decision: Decision,
    partition: int,
    offset: int,
    decided_at: datetime,
    came_as: UUID | None = None,
) -> Entry:
    """Return what the record says of `decision` about the `event` at `offset`."""
    return Entry(
        partition=partition,
        offset=offset,
        event_id=event.event_id,
        account_id=event.account_id,
        phone=event.phone,
        received_at=event.occurred_at,
        body_sha256=hashlib.sha256(stored_body(event).encode()).hexdigest(),
        decided_at=decided_at,
        came_as=came_as,
        **_asked(event, decision),
        **_decision_fields(decision),
    )


def _asked(event: DecidableEvent, decision: Decision) -> dict[str, Any]:
    if isinstance(event, MessageReceived):
        return {
            "sender_number": event.sender_number,
            "gateway": event.gateway,
            "gateway_message_id": event.gateway_message_id,
            "sent_at": event.sent_at,
            "unusable_sent_at": event.unusable_sent_at,
        }
    held = decision.held if isinstance(decision, Reviewed) else None
    return {
        "sender_number": held.sender_number if held else None,
        "gateway": REVIEW,
        "gateway_message_id": None,
        "sent_at": held.sent_at if held else None,
        "untimed_at": held.untimed_at if held else None,
        "held_event_id": event.held_event_id,
        "by": event.by,
    }


def _decision_fields(decision: Decision) -> dict[str, Any]:
    match decision:
        case OptOut(match=match, attribution=attribution, changed=changed, raised=raised, confirmed=confirmed):
            reason = "opted_out" if changed or raised else "already_opted_out"
            return {
                **_matched("opt_out", reason, match, attribution.method, attribution.message_id),
                "changed": changed,
                "raised": raised,
                "confirmed": confirmed,
            }
        case Held(match=match, attribution=attribution, changed=changed, confirmed=confirmed):
            reason = "held" if changed else "already_suppressed"
            fields = _matched("held", reason, match, attribution.method, attribution.message_id)
            return {**fields, "changed": changed, "confirmed": confirmed}
        case OptIn(match=match, attribution=attribution, changed=changed):
            fields = _matched("opt_in", "opted_in", match, attribution.method, attribution.message_id)
            return {**fields, "changed": changed}
        case Reviewed(decision="confirm", scopes=scopes):
            return {"answer": "confirmed", "reason": "confirmed", "rule": REVIEW, "raised": scopes}
        case Reviewed(scopes=scopes):
            return {"answer": "released", "reason": "released", "rule": REVIEW, "changed": scopes}
        case Unchanged():
            return _unchanged(decision)


def _unchanged(decision: Unchanged) -> dict[str, Any]:
    answer: DecisionKind = "help" if decision.reason == "help" else "none"
    fields = {"answer": answer, "reason": decision.reason, **_rule(decision.match)}
    if decision.attribution is None:
        return fields
    answered = {"attribution": decision.attribution.method, "message_id": decision.attribution.message_id}
    return {**fields, **answered, "follow_ups": decision.follow_ups}


def _matched(
    answer: DecisionKind, reason: str, match: RuleMatch, attribution: AttributionMethod, message_id: str | None
) -> dict[str, Any]:
    return {"answer": answer, "reason": reason, "attribution": attribution, "message_id": message_id, **_rule(match)}


def _rule(match: RuleMatch | None) -> dict[str, Any]:
    if match is None:
        return {}
    return {
        "rule": match.rule,
        "rule_id": match.rule_id,
        "rule_version": match.version,
        "matched_by": match.reason,
        "term": match.term,
        "start": match.start,
        "end": match.end,
        "normalised_by": match.normalised_by,
    }


def auto_replies_of(entry: Entry) -> list[MessageRequested]:
    """Return the replies that the entry published: messages as any other, which the sender may still drop."""
    return [
        MessageRequested(
            account_id=entry.account_id,
            message_id=reply_id(entry.event_id),
            list_id=each.list_ids[0],
            phone=entry.phone,
            sender_number=entry.sender_number or "",
            body=each.address,
            requested_at=entry.decided_at,
        )
        for each in entry.follow_ups
        if each.action == "AUTO_REPLY"
    ]


def suppressions_of(entry: Entry) -> list[SuppressionChanged]:
    """Return the suppressions that the entry published, in its order."""
    return [
        SuppressionChanged(
            account_id=entry.account_id,
            scope=scope,
            phone=entry.phone,
            state=STATES[entry.answer],
            cause_event_id=entry.cause_event_id,
            changed_at=entry.decided_at,
        )
        for scope in published_scopes(entry)
    ]


def opt_out_events_of(entry: Entry) -> list[AnyOptOutEvent]:
    """Return the opt-out events that the entry published, in its order."""
    return [_event(entry, scope) for scope in published_scopes(entry)]


def published_scopes(entry: Entry) -> Sequence[str]:
    """Return the scopes whose state the entry changed, in the order in which they are published."""
    return (*entry.changed, *entry.raised) if entry.answer in STATES else ()


def _event(entry: Entry, scope: str) -> AnyOptOutEvent:
    fields: dict[str, Any] = {
        "event_id": derived_id(entry.event_id, entry.answer, scope),
        "occurred_at": entry.decided_at,
        "account_id": entry.account_id,
        "phone": entry.phone,
        "scope": scope,
        "list_id": None if scope == ACCOUNT else int(scope.removeprefix("list:")),
        "sender_number": entry.sender_number,
        "cause_event_id": entry.cause_event_id,
        "rule": entry.rule or "",
        "rule_version": entry.rule_version or 0,
        "attribution": entry.attribution or "account",
    }
    match entry.answer:
        case "opt_out" | "confirmed":
            return OptedOut(**fields)
        case "held":
            return OptOutHeld(**fields, reason=entry.matched_by or "")
        case "released":
            return HeldReleased(**fields, by=entry.by or "")
        case _:
            return OptedIn(**fields)
