"""The decision about an inbound event: pure, one event and what is known of the recipient in, one decision out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.optout.attribution import Attribution, answered_numbers, attribute, is_answerable
from services.optout.carrier_blocks import decide_block, lifted_by_start
from services.optout.confirmation import (
    OptOutConfirmation,
    confirmation_of,
    narrowed_by,
    published_for,
    reach_while_asked,
)
from services.optout.follow_ups import FollowUp, follow_ups
from services.optout.opt_in import withdrawn_by
from services.optout.order import is_older, is_surely_later
from services.optout.policies import SHIPPED_ALONE, PolicyReach, ReachPolicies
from services.optout.recipient import Recipient, Suppression
from services.optout.requests import PreferenceRequest, Requested, decide_request, is_weaker
from services.optout.rules import RuleMatch, RuleSet
from services.optout.scopes import scopes_of
from shared.events.inbound import (
    CarrierBlocked,
    ErasureRequested,
    MessageReceived,
    ReviewDecided,
)
from shared.events.suppression import PublishedConfirmation
from shared.scopes import ACCOUNT, list_id_of

DecidableEvent = MessageReceived | ReviewDecided | PreferenceRequest | CarrierBlocked | ErasureRequested
"""An event that asks for a decision."""


@dataclass(frozen=True, slots=True)
class OptOut:
    """A certain opt-out.

    `changed` are the scopes that were not suppressed before; `raised` those that were held, removed by a clean-up, or
    opted out by a reply that reached less far; `asked_again` those that were opted out, by an older STOP. `policy` is
    the version of the policy that said how far it reaches, where one did. `confirmation` is its one answer, if any.
    """

    match: RuleMatch
    attribution: Attribution
    changed: tuple[str, ...]
    raised: tuple[str, ...]
    asked_again: tuple[str, ...]
    policy: str | None = None
    confirmation: OptOutConfirmation | None = None


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
    """An opt-in; `changed` are the scopes to which the recipient comes back.

    With `narrows` it is the answer to a confirmation: the opt-out was meant for the list, which stays opted out.
    """

    match: RuleMatch
    attribution: Attribution
    changed: tuple[str, ...]
    narrows: bool = False


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
    event: DecidableEvent,
    recipient: Recipient,
    rules: RuleSet,
    policies: ReachPolicies = SHIPPED_ALONE,
    confirmations: Sequence[PublishedConfirmation] = (),
) -> Decision:
    """Decide `event` by the account's settings, in the state that all events before it have left."""
    if not isinstance(event, MessageReceived):
        return _asked_for(event, recipient)
    return _of_reply(event, recipient, rules, policies, confirmations)


def _of_reply(
    event: MessageReceived,
    recipient: Recipient,
    rules: RuleSet,
    policies: ReachPolicies,
    confirmations: Sequence[PublishedConfirmation],
) -> Decision:
    narrowed = _narrowed(event, recipient, rules)
    if narrowed is not None:
        return narrowed
    attribution = attribute(event, recipient)
    answered_text = _answered_text(event, attribution, recipient)
    match = rules.match(event.body, sender_number=event.sender_number, answered_text=answered_text)
    published = published_for(event, confirmations)
    policy_reach = reach_while_asked(event, published, policies.reach_for(event.phone, event.occurred_at), recipient)
    match match.kind:
        case "opt_out":
            return _opt_out(event, match, attribution, recipient, policy_reach, published)
        case "held":
            return _held(event, match, attribution, recipient, policy_reach)
        case "opt_in":
            return _opt_in(event, match, attribution, recipient)
        case "help" | "none":
            return _no_preference(event, match, attribution, recipient)


def _no_preference(
    event: MessageReceived, match: RuleMatch, attribution: Attribution, recipient: Recipient
) -> Decision:
    started = _started_at_carrier(event, recipient)
    if started:
        return OptIn(match, attribution, started)
    followed_up = _followed_up(event, match, attribution, recipient)
    return Unchanged("help", match, *followed_up) if match.kind == "help" else Unchanged("no_rule", None, *followed_up)


def _started_at_carrier(event: MessageReceived, recipient: Recipient) -> tuple[str, ...]:
    """Return what a carrier that has taken the reply as an opt-in does not block any more: no rule has its word."""
    if not event.is_start_at_carrier or event.part is not None:
        return ()
    lifted = lifted_by_start(event, recipient.all_suppressed())
    return tuple(each.scope for each in lifted if is_surely_later(event, each))


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


def _narrowed(event: MessageReceived, recipient: Recipient, rules: RuleSet) -> OptIn | None:
    """Return the decision about the answer to a confirmation that asked how far the opt-out goes; None: it is none."""
    stopped = recipient.suppressions.get(ACCOUNT)
    if stopped is None or stopped.question is None:
        return None
    match = rules.match(event.body, sender_number=event.sender_number)
    answered = narrowed_by(event, match, recipient)
    if answered is None:
        return None
    return OptIn(match._replace(term=stopped.question.list_word), answered, (ACCOUNT,), narrows=True)


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
    event: MessageReceived, match: RuleMatch, attribution: Attribution, recipient: Recipient, policy_reach: PolicyReach
) -> Held:
    scopes = scopes_of(match, attribution, policy_reach.reach, answered_numbers(event, attribution, recipient))
    suppressed = recipient.suppressed(scopes)
    changed = tuple(scope for scope in scopes if scope not in suppressed)
    asked_again = tuple(scope for scope, was in suppressed.items() if not is_older(event, was))
    return Held(match, attribution, changed, asked_again, policy_reach.version)


def _opt_out(  # noqa: PLR0913, PLR0917 (what it goes by)
    event: MessageReceived,
    match: RuleMatch,
    attribution: Attribution,
    recipient: Recipient,
    policy_reach: PolicyReach,
    published: PublishedConfirmation | None,
) -> OptOut:
    scopes = scopes_of(match, attribution, policy_reach.reach, answered_numbers(event, attribution, recipient))
    suppressed = recipient.suppressed(scopes)
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
        policy=policy_reach.version,
        confirmation=confirmation_of(event, match, attribution, recipient, scopes, published),
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
