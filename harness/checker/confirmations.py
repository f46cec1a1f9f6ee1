"""The one message that may answer a STOP: each call that claims to be one is doubted until all of this is so.

It names a STOP of its phone that is in Kafka, written to the number that it is sent from, which the carrier has not
taken itself. That STOP has opted the phone out of the message's list, and `opt-out-events` had it before the call;
nothing forbade that list, the account or the number before. Its text is one that the account had published for the
phone's country and the number since that STOP came. It is decided after the STOP, while that may still be in force, and
arrives within five minutes of it. There is one for a STOP, and one for a phone and a number in a day.

Of settings that ask how far an opt-out goes, the checker has no model: such an account is judged by its calls alone.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from harness.checker.decided import decisions_before, earliest_decision
from harness.checker.evidence import Breach, Evidence
from harness.checker.history import CarrierCall
from harness.checker.preferences import STOPS
from harness.checker.reach import country_of
from harness.checker.timeline import JudgedReply, Timeline
from shared.events.opt_out import OptedOut
from shared.events.outbound import MessageRequested
from shared.events.suppression import PublishedConfirmation
from shared.scopes import ACCOUNT, list_scope, sender_scope

_WINDOW = timedelta(minutes=5)
_AGAIN_AFTER = timedelta(hours=24)


def not_a_confirmation(evidence: Evidence) -> Iterator[Breach]:
    """G6: every call for a message that names an opt-out is the one answer that may follow it."""
    for call in evidence.history.calls:
        asked = confirming_request(evidence, call)
        why = None if asked is None else why_not(evidence, call, asked)
        if why is not None:
            yield Breach(call.message_id, f"the carrier was called to confirm an opt-out, but {why}")


def confirmed_twice(evidence: Evidence) -> Iterator[Breach]:
    """G6: no opt-out is confirmed twice, and nobody gets two confirmations from one number within a day."""
    found: defaultdict[tuple[str, str, str], list[CarrierCall]] = defaultdict(list)
    for call in sorted(evidence.history.calls, key=lambda each: each.arrived_at):
        if confirming_request(evidence, call) is not None and not call.is_throttled:
            before = found[call.account_id, call.phone, call.sender_number]
            if before and call.arrived_at - before[-1].arrived_at < _AGAIN_AFTER:
                yield Breach(call.message_id, f"{call.phone} had a confirmation already, {before[-1].message_id}")
            before.append(call)


def is_allowed(evidence: Evidence, call: CarrierCall) -> bool:
    """Say whether the call is the one that may follow a STOP."""
    asked = confirming_request(evidence, call)
    return asked is not None and why_not(evidence, call, asked) is None


def confirming_request(evidence: Evidence, call: CarrierCall) -> MessageRequested | None:
    """Return the request of the call, where one that names an opt-out has its message id."""
    named = [each.request for each in evidence.trail_of(call).requests if each.request.confirms_opt_out is not None]
    return next((each for each in named if each.body == call.body), named[0] if named else None)


def why_not(evidence: Evidence, call: CarrierCall, asked: MessageRequested) -> str | None:
    """Return what speaks against the call; None: nothing."""
    timeline = evidence.timelines.get((call.account_id, call.phone), Timeline())
    place = next((n for n, each in enumerate(timeline.replies) if each.reply_id == asked.confirms_opt_out), None)
    if place is None or timeline.replies[place].wish not in STOPS:
        return f"{asked.confirms_opt_out} is not a STOP of {call.phone}"
    reply = timeline.replies[place]
    doubts = (
        _doubt_about_message(call, asked, reply),
        _doubt_about_effect(evidence, call, asked, reply),
        _doubt_about_before(call, asked, timeline, place),
        _doubt_about_time(evidence, call, asked, timeline, reply),
        _doubt_about_text(evidence, call, reply),
    )
    return next((doubt for doubt in doubts if doubt is not None), None)


def _doubt_about_message(call: CarrierCall, asked: MessageRequested, reply: JudgedReply) -> str | None:
    event = reply.record.event
    if event.sender_number != call.sender_number:
        return f"the STOP was written to {event.sender_number}, not to {call.sender_number}"
    if (asked.phone, asked.sender_number, asked.body) != (call.phone, call.sender_number, call.body):
        return "the request is another message"
    return "the carrier has taken the STOP itself" if event.taken_by_carrier else None


def _doubt_about_effect(
    evidence: Evidence, call: CarrierCall, asked: MessageRequested, reply: JudgedReply
) -> str | None:
    scope = list_scope(asked.list_id)
    published = (
        record.created_at
        for record in evidence.history.changes
        if isinstance(record.event, OptedOut) and (record.event.cause_event_id, record.event.scope) == (
            reply.reply_id, scope
        )
    )  # fmt: skip
    at = min(published, default=None)
    return None if at is not None and at <= call.arrived_at else f"no opt-out of {scope} was published before"


def _doubt_about_before(call: CarrierCall, asked: MessageRequested, timeline: Timeline, place: int) -> str | None:
    scopes = {list_scope(asked.list_id), ACCOUNT, sender_scope(call.sender_number)}
    before = scopes & timeline.forbidden[place].keys()
    return f"{', '.join(sorted(before))} was forbidden before" if before else None


def _doubt_about_time(
    evidence: Evidence, call: CarrierCall, asked: MessageRequested, timeline: Timeline, reply: JudgedReply
) -> str | None:
    trail, heard_at = evidence.trail_of(call), reply.record.event.occurred_at
    if call.arrived_at - heard_at > _WINDOW + call.slack:
        return f"it came {call.arrived_at - heard_at} after the STOP"
    if max(decisions_before(call, trail), default=heard_at) < heard_at:
        return "it was decided before the STOP was received"
    states = timeline.possibly_forbidden(earliest_decision(call, trail), call.arrived_at)
    is_in_force = any(list_scope(asked.list_id) in forbidden for forbidden in states)
    return None if is_in_force else f"{call.phone} had come back"


def _doubt_about_text(evidence: Evidence, call: CarrierCall, reply: JudgedReply) -> str | None:
    country = country_of(call.phone)
    for published in _settings_between(evidence, call.account_id, reply.record.event.occurred_at, call.arrived_at):
        texts = {each.sender_number: each.text for each in published if each.country == country}
        if texts.get(call.sender_number, texts.get(None)) == call.body:
            return None
    return f"the account had no such text for {country} and {call.sender_number}"


def _settings_between(
    evidence: Evidence, account_id: str, start: datetime, end: datetime
) -> Iterator[Sequence[PublishedConfirmation]]:
    """Yield the settings that were in force at some time from `start` to `end`: that of `start` is the last before."""
    records = [each for each in evidence.history.account_settings if each.event.account_id == account_id]
    ordered = sorted(records, key=lambda each: each.created_at)
    before = [each for each in ordered if each.created_at <= start]
    for record in (*before[-1:], *(each for each in ordered if start < each.created_at <= end)):
        yield record.event.opt_out_confirmations
