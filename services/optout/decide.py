"""What an inbound message changes: pure, one event and what is known of the person in, one decision out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from services.optout.attribution import Attribution, attribute
from services.optout.person import Person, Suppression
from services.optout.rules import Answer, RuleSet
from shared.events.inbound import MessageReceived
from shared.events.opt_out import AttributionMethod

ACCOUNT = "account"
_SUPPRESSED = ("opted_out", "held")


@dataclass(frozen=True, slots=True)
class OptOut:
    """`changed` are the scopes that were not opted out before; `confirmed` those that were, by an older STOP."""

    match: Answer
    attribution: Attribution
    changed: tuple[str, ...]
    confirmed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OptIn:
    """`changed` are the scopes to which the person comes back."""

    match: Answer
    attribution: Attribution
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing changes: no rule matched, nothing to come back to, or an opt-in older than the opt-out in force."""

    reason: Literal["no_rule", "not_opted_out", "older_than_opt_out"]
    match: Answer | None = None


Decision = OptOut | OptIn | Unchanged


def list_scope(list_id: int) -> str:
    return f"list:{list_id}"


def decide(event: MessageReceived, person: Person, rules: RuleSet) -> Decision:
    """Decide `event` by the account's `rules`, in the state that all events before it have left."""
    match = rules.answer(event.body, sender_number=event.sender_number, instruction=event.replied_body)
    if match.answer not in ("opt_out", "opt_in"):
        return Unchanged("no_rule")
    attribution = attribute(event, person)
    if match.answer == "opt_out":
        return _opt_out(event, match, attribution, person)
    return _opt_in(event, match, attribution, person)


def _opt_out(event: MessageReceived, match: Answer, attribution: Attribution, person: Person) -> OptOut:
    scopes = [list_scope(list_id) for list_id in attribution.list_ids]
    if match.scope == "account" or not scopes:
        scopes = [ACCOUNT]
    already = [s for s in scopes if s in person.suppressions and person.suppressions[s].state == "opted_out"]
    # A STOP that was written before the one in force, and arrived behind it, does not make that one older: a START
    # between the two would take it back.
    confirmed = tuple(s for s in already if not _is_older(event, person.suppressions[s]))
    return OptOut(match, attribution, tuple(s for s in scopes if s not in already), confirmed)


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
    suppressed = [s for s in person.suppressions.values() if s.state in _SUPPRESSED]
    candidates = [s for s in suppressed if s.scope == ACCOUNT or _same_number(event, s)]
    if attribution.method == "replied_message":
        pointed = list_scope(attribution.list_ids[0])
        narrowed = [s for s in suppressed if s.scope in (ACCOUNT, pointed)]
        if any(s.scope == pointed for s in narrowed):
            return narrowed
    return sorted(candidates, key=lambda s: s.scope)


def _same_number(event: MessageReceived, suppression: Suppression) -> bool:
    return suppression.sender_number is None or suppression.sender_number == event.sender_number


def _is_older(event: MessageReceived, suppression: Suppression) -> bool:
    """Say whether a START was written before the STOP in force and only arrived behind it."""
    return event.sent_at is not None and suppression.sent_at is not None and event.sent_at < suppression.sent_at


def apply(decision: Decision, event: MessageReceived, person: Person) -> Person:
    """Return the person after the decision."""
    match decision:
        case OptOut(changed=changed, confirmed=confirmed):
            return _with(person, (*changed, *confirmed), "opted_out", event)
        case OptIn(changed=changed):
            return _with(person, changed, "opted_in", event)
        case Unchanged():
            return person


def _with(
    person: Person, scopes: Iterable[str], state: Literal["opted_out", "opted_in"], event: MessageReceived
) -> Person:
    changed = {scope: Suppression(scope, state, event.sender_number, event.sent_at) for scope in scopes}
    return Person({**person.suppressions, **changed}, person.sent, person.window_starts_at)
