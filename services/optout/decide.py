"""What an inbound event changes: pure, one event and what is known of the person in, one decision out."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from services.optout.attribution import Attribution, attribute, is_answerable
from services.optout.follow_ups import FollowUp, follow_ups, reply_id
from services.optout.person import Person, SentMessage, Suppression
from services.optout.rules import Answer, RuleSet
from shared.events.inbound import MessageReceived, ReviewDecided
from shared.events.opt_out import AttributionMethod
from shared.events.suppression import SuppressionState

ACCOUNT = "account"

Asked = MessageReceived | ReviewDecided
"""What is decided."""


@dataclass(frozen=True, slots=True)
class OptOut:
    """A certain opt-out.

    `changed` are the scopes that were not suppressed before; `raised` those that were held; `confirmed` those that were
    opted out, by an older STOP.
    """

    match: Answer
    attribution: Attribution
    changed: tuple[str, ...]
    raised: tuple[str, ...]
    confirmed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """What looks like an opt-out; `changed` are the scopes that were not suppressed before."""

    match: Answer
    attribution: Attribution
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OptIn:
    """`changed` are the scopes to which the person comes back."""

    match: Answer
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
class Unchanged:
    """Nothing changes: no rule matched, nothing to come back to, or an opt-in older than the opt-out in force.

    `follow_ups` is what other rules ask for then, with the `attribution` that they go by.
    """

    reason: Literal[
        "no_rule", "help", "not_opted_out", "older_than_opt_out", "not_held", "another_number", "unknown_number"
    ]
    match: Answer | None = None
    follow_ups: tuple[FollowUp, ...] = ()
    attribution: Attribution | None = None


Decision = OptOut | Held | OptIn | Reviewed | Unchanged


def list_scope(list_id: int) -> str:
    return f"list:{list_id}"


def decide(event: Asked, person: Person, rules: RuleSet) -> Decision:
    """Decide `event` by the account's `rules`, in the state that all events before it have left."""
    if isinstance(event, ReviewDecided):
        return _reviewed(event, person)
    attribution = attribute(event, person)
    match = rules.answer(
        event.body, sender_number=event.sender_number, instruction=_instruction(event, attribution, person)
    )
    match match.answer:
        case "opt_out":
            return _opt_out(event, match, attribution, person)
        case "held":
            return Held(
                match, attribution, tuple(s for s in _scopes(match, attribution) if not person.is_suppressed(s))
            )
        case "opt_in":
            return _opt_in(event, match, attribution, person)
        case "help" | "none" as answer:
            found = follow_ups(event, match, attribution, person, _scopes(match, attribution))
            answered = attribution if found else None
            return (
                Unchanged("help", match, found, answered)
                if answer == "help"
                else Unchanged("no_rule", None, found, answered)
            )


def _instruction(event: MessageReceived, attribution: Attribution, person: Person) -> str | None:
    """Return the way out that the answered message offered, as far as it is known."""
    for message in person.sent:
        if message.message_id == attribution.message_id and message.instruction:
            return message.instruction
    if event.replied_body:
        return event.replied_body
    for message in person.sent:
        may_be_it = message.list_id in attribution.list_ids and is_answerable(message, event, person.window_starts_at)
        if may_be_it and message.instruction:
            return message.instruction
    return None


def _scopes(match: Answer, attribution: Attribution) -> list[str]:
    scopes = [list_scope(list_id) for list_id in attribution.list_ids]
    return [ACCOUNT] if match.scope == "account" or not scopes else scopes


def _opt_out(event: MessageReceived, match: Answer, attribution: Attribution, person: Person) -> OptOut:
    scopes = _scopes(match, attribution)
    states = {scope: person.suppressions[scope].state for scope in scopes if person.is_suppressed(scope)}
    # A STOP that was written before the one in force, and arrived behind it, does not make that one older: a START
    # between the two would take it back.
    confirmed = (
        s for s, state in states.items() if state == "opted_out" and not _is_older(event, person.suppressions[s])
    )
    return OptOut(
        match,
        attribution,
        changed=tuple(s for s in scopes if s not in states),
        raised=tuple(s for s, state in states.items() if state == "held"),
        confirmed=tuple(confirmed),
    )


def _reviewed(event: ReviewDecided, person: Person) -> Decision:
    held = [s for s in person.suppressions.values() if s.state == "held" and s.cause_event_id == event.held_event_id]
    if not held:
        return Unchanged("not_held")
    return Reviewed(event.decision, event.by, tuple(sorted(s.scope for s in held)), held[0])


def _opt_in(event: MessageReceived, match: Answer, attribution: Attribution, person: Person) -> Decision:
    undone = _undone(event, attribution, person)
    if not undone:
        return Unchanged("not_opted_out", match)
    current = tuple(s.scope for s in undone if not _is_older(event, s))
    if not current:
        return Unchanged("older_than_opt_out", match)
    pointed = attribution.method == "replied_message" and list_scope(attribution.list_ids[0]) in current
    method: AttributionMethod = "replied_message" if pointed else "opt_outs_of_sender"
    return OptIn(match, Attribution(method, attribution.list_ids, attribution.message_id), current)


def _undone(event: MessageReceived, attribution: Attribution, person: Person) -> list[Suppression]:
    """Return the opt-outs that this opt-in takes back.

    Those made by writing to the same number, and the account's; where the gateway points at a message of one of these
    lists, that list's and the account's only.
    """
    # In one order, wherever the person was loaded from: the same decision is the same entry.
    suppressed = [s for _, s in sorted(person.suppressions.items()) if person.is_suppressed(s.scope)]
    candidates = [s for s in suppressed if s.scope == ACCOUNT or _same_number(event, s)]
    if attribution.method == "replied_message":
        pointed = list_scope(attribution.list_ids[0])
        narrowed = [s for s in suppressed if s.scope in (ACCOUNT, pointed)]
        if any(s.scope == pointed for s in narrowed):
            return narrowed
    return candidates


def _same_number(event: MessageReceived, suppression: Suppression) -> bool:
    return suppression.sender_number is None or suppression.sender_number == event.sender_number


def _is_older(event: MessageReceived, suppression: Suppression) -> bool:
    """Say whether a START was written before the STOP in force and only arrived behind it."""
    return event.sent_at is not None and suppression.sent_at is not None and event.sent_at < suppression.sent_at


def apply(decision: Decision, event: Asked, person: Person) -> Person:
    """Return the person after the decision."""
    match decision, event:
        case OptOut(changed=changed, raised=raised, confirmed=confirmed), MessageReceived():
            return _with(person, (*changed, *raised, *confirmed), "opted_out", event)
        case Held(changed=changed), MessageReceived():
            return _with(person, changed, "held", event)
        case OptIn(changed=changed), MessageReceived():
            return _with(person, changed, "opted_in", event)
        case Unchanged(follow_ups=found), MessageReceived() if found:
            return _replied_to(person, found, event)
        case Reviewed(decision=said, scopes=scopes), _:
            state: SuppressionState = "opted_out" if said == "confirm" else "opted_in"
            return person.with_suppressions({s: replace(person.suppressions[s], state=state) for s in scopes})
        case _:
            return person


def _replied_to(person: Person, found: tuple[FollowUp, ...], event: MessageReceived) -> Person:
    """Return the person with the reply that is on its way, so that another message at once gets none."""
    replies = [
        SentMessage(
            reply_id(event.event_id), each.list_ids[0], event.sender_number or "", None, "dispatching",
            event.occurred_at,
        )
        for each in found
        if each.action == "AUTO_REPLY"
    ]  # fmt: skip
    return Person(person.suppressions, [*replies, *person.sent], person.window_starts_at) if replies else person


def _with(person: Person, scopes: Iterable[str], state: SuppressionState, event: MessageReceived) -> Person:
    return person.with_suppressions(
        {scope: Suppression(scope, state, event.sender_number, event.sent_at, event.event_id) for scope in scopes}
    )
