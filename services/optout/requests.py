"""The decision about a request: an opt-out or opt-in that did not come as a reply. Pure.

It names its scopes, so nothing is attributed. An opt-out by request stops what it names; an opt-in lifts what it names,
where the consent was given after every opt-out there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.optout.clicks import LINK, LinkOptIn, may_be_undone
from services.optout.recipient import Recipient, Suppression
from shared.events.inbound import OptInRequested, OptOutRequested

PreferenceRequest = OptOutRequested | OptInRequested
_NOT_ANOTHER_OPT_OUT = frozenset(("import", "clean_up"))
"""Sources that copy what is known: they do not make an opt-out that is in force any newer."""
_UNDOS = frozenset(("undo", LINK))
"""Sources of opt-ins by which a clean-up, or a click, is undone."""
BY_NOBODY = frozenset(("clean_up", "reassigned"))
"""Sources by which a scope is suppressed although no recipient asked for it: whoever does takes their place."""


@dataclass(frozen=True, slots=True)
class Requested:
    """A request for an opt-out or an opt-in.

    `changed` are the scopes that it opts out or in; `raised` those that were held, or removed by a clean-up, and are
    opted out now; `asked_again` those that were opted out before.
    """

    kind: Literal["opt_out", "opt_in"]
    reason: Literal[
        "opted_out",
        "already_opted_out",
        "older_than_opt_in",
        "opted_in",
        "not_opted_out",
        "older_than_opt_out",
        "blocked_by_carrier",
        "no_sender_number",
    ]
    changed: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    asked_again: tuple[str, ...] = ()


def decide_request(event: PreferenceRequest, recipient: Recipient) -> Requested:
    """Decide `event` in the state that all events before it have left."""
    return _opt_out(event, recipient) if isinstance(event, OptOutRequested) else _opt_in(event, recipient)


def _opt_out(event: OptOutRequested, recipient: Recipient) -> Requested:
    asked = [scope for scope in dict.fromkeys(event.scopes) if not _came_back_later(event, recipient, scope)]
    if not asked:
        return Requested("opt_out", "older_than_opt_in")
    suppressed = recipient.suppressed(asked)
    changed = tuple(scope for scope in asked if scope not in suppressed)
    raised = tuple(scope for scope, was in suppressed.items() if is_weaker(was, event.source))
    return opt_out_of(changed, raised, _asked_again(event, suppressed, raised))


def opt_out_of(changed: tuple[str, ...], raised: tuple[str, ...], asked_again: tuple[str, ...]) -> Requested:
    """Return the decision to opt out of these scopes."""
    reason: Literal["opted_out", "already_opted_out"] = "opted_out" if changed or raised else "already_opted_out"
    return Requested("opt_out", reason, changed, raised, asked_again)


def _asked_again(
    event: OptOutRequested, suppressed: Mapping[str, Suppression], raised: Sequence[str]
) -> tuple[str, ...]:
    """Return the scopes in which the opt-out that is in force becomes newer, or is not to be narrowed any more."""
    is_another = event.source not in _NOT_ANOTHER_OPT_OUT
    return tuple(s for s, was in suppressed.items() if s not in raised and (is_another or was.question is not None))


def is_weaker(suppression: Suppression, source: str | None) -> bool:
    """Say whether an opt-out by `source` (None: a reply) takes the place of what suppresses the scope now."""
    return suppression.state == "held" or (suppression.source in BY_NOBODY and source not in BY_NOBODY)


def _came_back_later(event: OptOutRequested, recipient: Recipient, scope: str) -> bool:
    """Say whether the recipient opted in to `scope` after the time that the request gives for the opt-out."""
    now = recipient.suppressions.get(scope)
    if now is None or now.state != "opted_in" or event.asked_at is None:
        return False
    times = [time for time in (now.sent_at, now.untimed_at) if time is not None]
    return bool(times) and all(time > event.asked_at for time in times)


def _opt_in(event: OptInRequested, recipient: Recipient) -> Requested:
    named = recipient.suppressed(event.scopes)
    not_blocked = [each for each in named.values() if each.gateway is None]
    if named and not not_blocked:
        return Requested("opt_in", "blocked_by_carrier")
    meant = [each for each in not_blocked if _is_meant(event, each)]
    if not meant:
        return Requested("opt_in", "not_opted_out")
    lifted = tuple(each.scope for each in meant if _is_consented_later(event, each))
    return Requested("opt_in", "opted_in", lifted) if lifted else Requested("opt_in", "older_than_opt_out")


def _is_meant(event: OptInRequested, suppression: Suppression) -> bool:
    """Say whether the opt-in is about a suppression in a scope that it names: an undo is only about what it undoes."""
    if isinstance(event, LinkOptIn) and not _was_clicked(suppression, event.undoes_since):
        return False
    return event.lifts is None or suppression.cause_event_id == event.lifts


def _was_clicked(suppression: Suppression, since: datetime) -> bool:
    return may_be_undone(
        is_opted_out=suppression.state == "opted_out",
        source=suppression.source,
        sender_number=suppression.sender_number,
        sent_at=suppression.sent_at,
        asked_at=suppression.untimed_at,
        since=since,
    )


def _is_consented_later(event: OptInRequested, suppression: Suppression) -> bool:
    if event.consented_at is None:
        return True  # at the time of the request, which the log puts after the opt-out
    stops = (suppression.sent_at, suppression.untimed_at)
    return all(event.consented_at > stop for stop in stops if stop is not None)


def consent_time(source: str, consented_at: datetime | None, asked_at: datetime) -> datetime | None:
    """Return since when older opt-outs do not count; None for an undo, by which nobody has opted in."""
    return None if source in _UNDOS else consented_at or asked_at


def opt_out_time(source: str, asked_at: datetime | None, occurred_at: datetime) -> datetime:
    """Return the time that consent has to be later than, to lift the opt-out.

    A number that was reassigned has lost the consent of the date that was asked about. What a person or another system
    says was asked for earlier stops until there is consent from after they said so.
    """
    return asked_at or occurred_at if source == "reassigned" else occurred_at


def apply_request(decision: Requested, event: PreferenceRequest, recipient: Recipient) -> Recipient:
    """Return the recipient after the decision."""
    if isinstance(event, OptInRequested):
        at = consent_time(event.source, event.consented_at, event.occurred_at)
        lifted = {scope: Suppression(scope, "opted_in", None, None, event.event_id, at) for scope in decision.changed}
        return recipient.with_suppressions(lifted)
    at = opt_out_time(event.source, event.asked_at, event.occurred_at)
    return after_opt_out(
        decision, Suppression("", "opted_out", None, None, event.event_id, at, event.source), recipient
    )


def after_opt_out(decision: Requested, stopped: Suppression, recipient: Recipient) -> Recipient:
    """Return the recipient after an opt-out that named its scopes: `stopped` is what it is in each of them."""
    at = stopped.untimed_at
    new = {scope: replace(stopped, scope=scope) for scope in decision.changed}
    before = {scope: recipient.suppressions[scope] for scope in (*decision.raised, *decision.asked_again)}
    times = {scope: max(filter(None, (was.untimed_at, at))) for scope, was in before.items()}
    sent = {scope: _sent_at(was, stopped, is_raised=scope in decision.raised) for scope, was in before.items()}
    raised = {
        scope: replace(stopped, scope=scope, sent_at=sent[scope], untimed_at=times[scope]) for scope in decision.raised
    }
    again = {
        scope: replace(before[scope], sent_at=sent[scope], untimed_at=times[scope], question=None)
        for scope in decision.asked_again
    }
    return recipient.with_suppressions({**new, **raised, **again})


def _sent_at(was: Suppression, stopped: Suppression, *, is_raised: bool) -> datetime | None:
    """Return the `sent_at` of what was suppressed before: where a click is not alone in asking, no undo lifts it."""
    is_click, was_click = stopped.source == LINK, was.source == LINK
    if is_raised and was_click:
        return None  # no click is left that could be undone
    is_shared = is_click if is_raised else was_click and not is_click
    return max(filter(None, (was.sent_at, stopped.untimed_at))) if is_shared else was.sent_at
