"""An entry of the decision log: one decision, from which the same is published whenever it is read again."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import Field, TypeAdapter

from services.optout.attribution import Attribution
from services.optout.confirmation import OptOutConfirmation
from services.optout.decide import DecidableEvent, Decision, Erased, Held, OptIn, OptOut, Reviewed, Unchanged
from services.optout.decision_log.origin import REQUEST, REVIEW, RequestDetails, origin_of
from services.optout.follow_ups import FollowUp
from services.optout.order import Times, received_times
from services.optout.requests import Requested, consent_time, opt_out_time
from services.optout.rules import RuleMatch
from services.optout.rules.rule_match import NO_RULE
from shared.events.base import storable
from shared.events.inbound import CarrierBlocked, ErasureRequested, MessageReceived, OptInRequested, OptOutRequested
from shared.events.opt_out import AttributionMethod
from shared.events.suppression import SuppressionState

DecisionKind = Literal["opt_out", "held", "opt_in", "help", "confirmed", "released", "erased", "none"]

STATES: dict[DecisionKind, SuppressionState] = {
    "opt_out": "opted_out",
    "held": "held",
    "opt_in": "opted_in",
    "confirmed": "opted_out",
    "released": "opted_in",
}
"""The state of an entry's scopes afterwards."""


@dataclass(frozen=True, slots=True)
class PartOfText:
    """The part of a long text that an entry is about, by the gateway's `label` for it.

    Where it completed the text, `joined` are the events of all parts in their order, and the entry's text is the whole:
    the part itself is from `start` to `end` of it. `is_decided_by_whole` says which of the two was decided by: what
    matched is in that one.
    """

    label: str
    joined: tuple[UUID, ...] = ()
    start: int | None = None
    end: int | None = None
    is_decided_by_whole: bool = False


@dataclass(slots=True, kw_only=True)
class Entry:
    """An entry of the decision log: all about a decision but the text of the reply, of which it has the SHA-256.

    `changed` are the scopes that are suppressed now and were not before, or the other way round; `raised` those that
    were held, removed by a clean-up, or opted out by a reply that reached less far, and are opted out by this one;
    `asked_again` those for which the same was asked before. `reach_policy` is the version of the policy that said how
    far the opt-out reaches, `confirmation` the one answer to it, `part` which part of a longer text the reply is;
    without one, the entry's text does not have the field.
    `matched_by`, `term`, `start`, `end` and `normalised_by` say what the rules saw. What a person decided has
    `held_event_id` and `by`.
    `unusable_sent_at` is what the gateway gave in place of a time, `untimed_at` when what was held came without one, or
    when the gateway had a reply by its list of messages, where its webhooks say none; `came_as` is the id with which
    the reply came, where another reply had it before. `previous_sequence` is the entry before it about the same
    recipient, 0 where there was none; entries of before anchors do not have it. A dataclass that is not frozen: it
    takes a twentieth of a model's time to make. Only `add_trail` changes one.
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
    kind: Annotated[DecisionKind, Field(alias="answer")]
    reason: str
    rule: str | None = None
    rule_version: int | None = None
    term: str | None = None
    attribution: AttributionMethod | None = None
    message_id: str | None = None
    changed: tuple[str, ...] = ()
    # "confirmed" in JSON; the kind of that name is a review's, and `confirmation` is the one answer to an opt-out.
    asked_again: Annotated[tuple[str, ...], Field(alias="confirmed")] = ()
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
    request: RequestDetails | None = None
    previous_sequence: int | None = None
    reach_policy: str | None = None
    confirmation: OptOutConfirmation | None = None
    part: PartOfText | None = None

    @property
    def is_erased(self) -> bool:
        """Whether the recipient that it was about is erased."""
        return not self.body_sha256

    @property
    def cause_event_id(self) -> UUID:
        """The event that caused the states that the entry leaves."""
        return self.held_event_id or self.event_id

    @property
    def times(self) -> Times:
        """The times by which what the entry asks for is older or later than an opt-in, or than an imported opt-out."""
        if self.kind == "released" or self.reason == NARROWED:
            return None, None
        if self.kind == "opt_in" and self.request is not None:
            return None, consent_time(self.request.source, self.request.asked_at, self.received_at)
        if self.kind == "opt_out" and self.request is not None:
            return None, opt_out_time(self.request.source, self.request.asked_at, self.received_at)
        if self.held_event_id is not None or self.untimed_at is not None:
            return self.sent_at, self.untimed_at
        return received_times(self.sent_at, self.unusable_sent_at, self.received_at)


NARROWED = "narrowed"
"""The reason of the entry of a reply that narrows an opt-out to its list: by that, nobody has opted in to anything."""
_ONLY_WHERE_THERE = ("reach_policy", "confirmation", "part")
entry_adapter: TypeAdapter[Entry] = TypeAdapter(Entry)


def entry_text(entry: Entry) -> str:
    """Return the entry as it is chained and kept: JSON, its fields in their order, times in UTC."""
    without = {name for name in _ONLY_WHERE_THERE if getattr(entry, name) is None}
    return entry_adapter.serializer.to_json(entry, by_alias=True, exclude=without).decode()


def link(previous_hash: bytes, text: str) -> bytes:
    """Return the hash of the entry with this text.

    It covers the text by its digest, so that whoever may not see the text can follow the chain past it.
    """
    return link_digest(previous_hash, hashlib.sha256(text.encode()).digest())


def link_digest(previous_hash: bytes, digest: bytes) -> bytes:
    """Return the hash of the entry whose text has this SHA-256: of an erased one there is no more."""
    return hashlib.sha256(previous_hash + digest).digest()


def follows(hashed: bytes, previous_hash: bytes, text: str) -> bool:
    """Say whether an entry's hash follows from its text; entries of before version 2 of the chain are hashed directly.

    One formula cannot be taken for the other: no entry's text has the 32 bytes of a digest.
    """
    return hashed in (link(previous_hash, text), hashlib.sha256(previous_hash + text.encode()).digest())


def recorded_phone(event: DecidableEvent) -> str:
    """Return the phone that the entry is about: an erasure's own entry has the pseudonym."""
    return event.pseudonym if isinstance(event, ErasureRequested) else event.phone


def stored_body(event: DecidableEvent) -> str:
    """Return the text of the reply, or the statement of a request, as it is kept; a person's decision has none."""
    match event:
        case (
            MessageReceived(body=text)
            | OptOutRequested(statement=text)
            | OptInRequested(statement=text)
            | ErasureRequested(reason=text)
        ):
            return storable(text or "")
        case CarrierBlocked(code=code, reason=reason):
            return f"{code} {reason}".strip()
        case _:
            return ""


class _Conclusion(NamedTuple):
    """A decision in the terms of an entry."""

    kind: DecisionKind
    reason: str
    match: RuleMatch | None = None
    attribution: Attribution | None = None
    changed: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    asked_again: tuple[str, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    reach_policy: str | None = None
    confirmation: OptOutConfirmation | None = None


def entry_of(  # noqa: PLR0913, PLR0917 (what is decided, at which offset, and when)
    event: DecidableEvent,
    decision: Decision,
    partition: int,
    offset: int,
    decided_at: datetime,
    came_as: UUID | None = None,
    part: PartOfText | None = None,
) -> Entry:
    """Return what the decision log says of `decision` about the `event` at `offset`."""
    origin, conclusion = origin_of(event, decision), _conclusion(decision)
    match, attribution = conclusion.match or NO_RULE, conclusion.attribution
    return Entry(
        partition=partition, offset=offset, decided_at=decided_at, came_as=came_as, part=part,
        event_id=event.event_id, account_id=event.account_id, phone=recorded_phone(event),
        received_at=event.occurred_at,
        body_sha256=hashlib.sha256(stored_body(event).encode()).hexdigest(),
        gateway=origin.gateway, gateway_message_id=origin.gateway_message_id, sender_number=origin.sender_number,
        sent_at=origin.sent_at, unusable_sent_at=origin.unusable_sent_at, untimed_at=origin.untimed_at,
        held_event_id=origin.held_event_id, by=origin.by, request=origin.request,
        kind=conclusion.kind, reason=conclusion.reason, changed=conclusion.changed, raised=conclusion.raised,
        asked_again=conclusion.asked_again, follow_ups=conclusion.follow_ups,
        reach_policy=conclusion.reach_policy or origin.reach_policy, confirmation=conclusion.confirmation,
        attribution=attribution.method if attribution else origin.attribution,
        message_id=attribution.message_id if attribution else origin.message_id,
        rule=_decided_by(decision) or match.rule,
        rule_id=match.rule_id, rule_version=match.version, term=match.term, start=match.start, end=match.end,
        normalised_by=match.normalised_by, matched_by=conclusion.match.matched_by if conclusion.match else None,
    )  # fmt: skip


def _decided_by(decision: Decision) -> str | None:
    """Return what an entry has in place of a rule, where none decided."""
    match decision:
        case Reviewed():
            return REVIEW
        case Requested() | Erased():
            return REQUEST
        case _:
            return None


def _conclusion(decision: Decision) -> _Conclusion:
    if isinstance(decision, Requested):
        scopes = decision.changed, decision.raised, decision.asked_again
        return _Conclusion(decision.kind, decision.reason, None, None, *scopes)
    if isinstance(decision, Erased):
        return _Conclusion("erased", "erased")
    return _decided(decision)


def _decided(decision: OptOut | Held | OptIn | Reviewed | Unchanged) -> _Conclusion:
    match decision:
        case OptOut(match, attribution, changed, raised, again, policy, confirmation):
            reason = "opted_out" if changed or raised else "already_opted_out"
            return _Conclusion("opt_out", reason, match, attribution, changed, raised, again, (), policy, confirmation)
        case Held(match, attribution, changed, again, policy):
            reason = "held" if changed else "already_suppressed"
            return _Conclusion("held", reason, match, attribution, changed, (), again, reach_policy=policy)
        case OptIn(match, attribution, changed, narrows):
            return _Conclusion("opt_in", NARROWED if narrows else "opted_in", match, attribution, changed)
        case Reviewed(said, scopes=scopes):
            if said == "confirm":
                return _Conclusion("confirmed", "confirmed", raised=scopes)
            return _Conclusion("released", "released", changed=scopes)
        case Unchanged(reason, match, follow_ups, attribution):
            kind: DecisionKind = "help" if reason == "help" else "none"
            return _Conclusion(kind, reason, match, attribution, follow_ups=follow_ups)
