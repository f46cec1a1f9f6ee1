"""The decision about an inbound event: pure, one event and what is known of the recipient in, one decision out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from services.optout.attribution import Attribution, answered_numbers, attribute, is_answerable
from services.optout.carrier_blocks import apply_block, decide_block
from services.optout.follow_ups import FollowUp, auto_reply_id, follow_ups
from services.optout.opt_in import withdrawn_by
from services.optout.order import is_older, is_surely_later, strengthened, times_of
from services.optout.policies import SHIPPED_ALONE, PolicyReach, ReachPolicies
from services.optout.recipient import Recipient, SentMessage, Suppression
from services.optout.requests import PreferenceRequest, Requested, apply_request, decide_request, is_weaker
from services.optout.rules import RuleMatch, RuleSet
from services.optout.scopes import list_id_of, scopes_of
from shared.events.inbound import (
    CarrierBlocked,
    ErasureRequested,
    MessageReceived,
    OptInRequested,
    OptOutRequested,
    ReviewDecided,
)
from shared.events.suppression import SuppressionState

DecidableEvent = MessageReceived | ReviewDecided | PreferenceRequest | CarrierBlocked | ErasureRequested
"""An event that asks for a decision."""


@dataclass(frozen=True, slots=True)
class OptOut:
    """A certain opt-out.

    `changed` are the scopes that were not suppressed before; `raised` those that were held, removed by a clean-up, or
    opted out by a reply that reached less far; `asked_again` those that were opted out, by an older STOP. `policy` is
    the version of the policy that said how far it reaches, where one did.
    """

    match: RuleMatch
    attribution: Attribution
    changed: tuple[str, ...]
    raised: tuple[str, ...]
    asked_again: tuple[str, ...]
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A decision that something looks like an opt-out.

    `changed` are the scopes that were not suppressed before, `asked_again` those that were, by an older reply;
    `policy` as in an opt-out.
    """

    match: RuleMatch
    attribution: Attribution
    changed: tuple[str, ...]
    asked_again: tuple[str, ...] = ()
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class OptIn:
    """An opt-in; `changed` are the scopes to which the recipient comes back."""

    match: RuleMatch
    attribution: Attribution
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A person's word on what was held in `scopes`; `held` is one of these suppressions as it was."""

    decision: Literal["confirm", "release"]
    by: str
    scopes: tuple[str, ...]
    held: Suppression


@dataclass(frozen=True, slots=True)
class Erased:
    """A decision to erase what was written about the recipient before; no suppression changes."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A decision without changes: no rule, nothing to come back to, or an opt-in not surely later than the opt-out.

    `follow_ups` is what other rules ask for then; `attribution` is what they go by, and what an opt-in answers.
    """

    reason: Literal[
        "no_rule", "help", "not_opted_out", "older_than_opt_out", "order_unknown", "not_held", "another_number",
        "unknown_number", "part_of_a_text",
    ]  # fmt: skip
    match: RuleMatch | None = None
    follow_ups: tuple[FollowUp, ...] = ()
    attribution: Attribution | None = None


Decision = OptOut | Held | OptIn | Reviewed | Requested | Erased | Unchanged


def decide(
    event: DecidableEvent, recipient: Recipient, rules: RuleSet, policies: ReachPolicies = SHIPPED_ALONE
) -> Decision:
    """Decide `event` by the account's `rules` and `policies`, in the state that all events before it have left."""
    if not isinstance(event, MessageReceived):
        return _asked_for(event, recipient)
    attribution = attribute(event, recipient)
    answered_text = _answered_text(event, attribution, recipient)
    match = rules.match(event.body, sender_number=event.sender_number, answered_text=answered_text)
    match match.kind:
        case "opt_out":
            return _opt_out(event, match, attribution, recipient, policies.reach_for(event.phone, event.occurred_at))
        case "held":
            return _held(event, match, attribution, recipient, policies.reach_for(event.phone, event.occurred_at))
        case "opt_in":
            return _opt_in(event, match, attribution, recipient)
        case "help":
            return Unchanged("help", match, *_followed_up(event, match, attribution, recipient))
        case "none":
            return Unchanged("no_rule", None, *_followed_up(event, match, attribution, recipient))


def _asked_for(
    event: ReviewDecided | PreferenceRequest | CarrierBlocked | ErasureRequested, recipient: Recipient
) -> Decision:
    match event:
        case ReviewDecided():
            return _reviewed(event, recipient)
        case ErasureRequested():
            return Erased()
        case CarrierBlocked():
            return decide_block(event, recipient)
        case _:
            return decide_request(event, recipient)


def _answered_text(event: MessageReceived, attribution: Attribution, recipient: Recipient) -> str | None:
    """Return the way out that the reply answers: the answered message's, what it quotes, or a possible message's."""
    offering = [message for message in recipient.sent if message.instruction]
    answered = (m.instruction for m in offering if m.message_id == attribution.message_id)
    possible = (
        m.instruction
        for m in offering
        if m.list_id in attribution.list_ids and is_answerable(m, event, recipient.window_starts_at)
    )
    return next(answered, None) or event.replied_body or next(possible, None)


def _followed_up(
    event: MessageReceived, match: RuleMatch, attribution: Attribution, recipient: Recipient
) -> tuple[tuple[FollowUp, ...], Attribution | None]:
    """Return the follow-ups, and the attribution that they go by if there are any."""
    found = follow_ups(event, match, attribution, recipient, scopes_of(match, attribution))
    return found, attribution if found else None


def _held(
    event: MessageReceived, match: RuleMatch, attribution: Attribution, recipient: Recipient, by_policy: PolicyReach
) -> Held:
    scopes = scopes_of(match, attribution, by_policy.reach, answered_numbers(event, attribution, recipient))
    changed = tuple(s for s in scopes if not recipient.is_suppressed(s))
    asked_again = tuple(s for s in scopes if s not in changed and not is_older(event, recipient.suppressions[s]))
    return Held(match, attribution, changed, asked_again, by_policy.version)


def _opt_out(
    event: MessageReceived, match: RuleMatch, attribution: Attribution, recipient: Recipient, by_policy: PolicyReach
) -> OptOut:
    scopes = scopes_of(match, attribution, by_policy.reach, answered_numbers(event, attribution, recipient))
    suppressed = {scope: recipient.suppressions[scope] for scope in scopes if recipient.is_suppressed(scope)}
    raised = _raised(scopes, suppressed)
    # A STOP that was written before the one in force, and arrived after it, does not make that one older: a START
    # between the two would withdraw it.
    asked_again = (scope for scope, was in suppressed.items() if scope not in raised and not is_older(event, was))
    return OptOut(
        match,
        attribution,
        changed=tuple(s for s in scopes if s not in suppressed),
        raised=raised,
        asked_again=tuple(asked_again),
        policy=by_policy.version,
    )


def _raised(scopes: Iterable[str], suppressed: Mapping[str, Suppression]) -> tuple[str, ...]:
    """Return the scopes in which the opt-out takes the place of what suppresses them now.

    Where it reaches further than the reply before that left a list, both have one cause, by which an opt-in finds them.
    """
    wider = [scope for scope in scopes if list_id_of(scope) is None]
    reaches_further = any(s not in suppressed or is_weaker(suppressed[s], None) for s in wider)
    return tuple(
        s
        for s, was in suppressed.items()
        if is_weaker(was, None) or (reaches_further and list_id_of(s) is not None and was.source is None)
    )


def _reviewed(event: ReviewDecided, recipient: Recipient) -> Decision:
    held = [s for s in recipient.suppressions.values() if s.state == "held" and s.cause_event_id == event.held_event_id]
    if not held:
        return Unchanged("not_held")
    return Reviewed(event.decision, event.by, tuple(sorted(s.scope for s in held)), held[0])


def _opt_in(event: MessageReceived, match: RuleMatch, attribution: Attribution, recipient: Recipient) -> Decision:
    if event.part is not None:  # the end of a sentence that is not known
        return Unchanged("part_of_a_text", match, attribution=attribution)
    meant, answered = withdrawn_by(event, match, attribution, recipient)
    if not meant:
        return Unchanged("not_opted_out", match, attribution=attribution)
    current = tuple(s.scope for s in meant if is_surely_later(event, s))
    if current:
        return OptIn(match, answered, current)
    is_known = all(is_older(event, s) for s in meant)
    return Unchanged("older_than_opt_out" if is_known else "order_unknown", match, attribution=attribution)


def apply(decision: Decision, event: DecidableEvent, recipient: Recipient) -> Recipient:
    """Return the recipient after the decision, for those that follow in the batch; `states_left` has what is saved."""
    match decision, event:
        case _, MessageReceived():
            return _after_message(decision, event, recipient)
        case Requested(), OptOutRequested() | OptInRequested():
            return apply_request(decision, event, recipient)
        case Requested(), CarrierBlocked():
            return apply_block(decision, event, recipient)
        case Reviewed(decision=said, scopes=scopes), _:
            held = {scope: recipient.suppressions[scope] for scope in scopes}
            if said == "confirm":
                return recipient.with_suppressions({s: replace(was, state="opted_out") for s, was in held.items()})
            # Nobody opted in, so there is no time since when an older opt-out would not count.
            return recipient.with_suppressions(
                {s: replace(was, state="opted_in", sent_at=None, untimed_at=None) for s, was in held.items()}
            )
    return recipient


def _after_message(decision: Decision, event: MessageReceived, recipient: Recipient) -> Recipient:
    match decision:
        case OptOut():
            return _with(_suppressed_again(recipient, decision, event), decision.changed, "opted_out", event)
        case Held():
            again = {s: strengthened(recipient.suppressions[s], event) for s in decision.asked_again}
            return _with(recipient.with_suppressions(again), decision.changed, "held", event)
        case OptIn(changed=changed):
            return _with(recipient, changed, "opted_in", event)
        case Unchanged(follow_ups=found) if found:
            return _with_auto_reply(recipient, found, event)
    return recipient


def _with_auto_reply(recipient: Recipient, found: tuple[FollowUp, ...], event: MessageReceived) -> Recipient:
    """Return the recipient with the automatic reply that is on its way, so that another reply at once gets none."""
    replies = [
        SentMessage(
            auto_reply_id(event.event_id), each.list_ids[0], event.sender_number or "", None, "dispatching",
            event.occurred_at,
        )
        for each in found
        if each.action == "AUTO_REPLY"
    ]  # fmt: skip
    return replace(recipient, sent=[*replies, *recipient.sent])


def _suppressed_again(recipient: Recipient, decision: OptOut, event: MessageReceived) -> Recipient:
    """Return the recipient with the scopes that were suppressed before: asked for again, or raised to an opt-out."""
    left = {
        scope: replace(recipient.suppressions[scope], sender_number=event.sender_number)
        for scope in decision.asked_again
    }
    raised = {
        scope: Suppression(scope, "opted_out", event.sender_number, was.sent_at, event.event_id, was.untimed_at)
        for scope in decision.raised
        for was in (recipient.suppressions[scope],)
    }
    return recipient.with_suppressions({scope: strengthened(each, event) for scope, each in (left | raised).items()})


def _with(recipient: Recipient, scopes: Iterable[str], state: SuppressionState, event: MessageReceived) -> Recipient:
    sent_at, untimed_at = times_of(event)
    return recipient.with_suppressions(
        {scope: Suppression(scope, state, event.sender_number, sent_at, event.event_id, untimed_at) for scope in scopes}
    )
