"""Checks of the calls that reached the carrier, and of the messages that reached phones."""

from collections.abc import Iterator
from datetime import timedelta

from harness.checker.confirmations import is_allowed
from harness.checker.decided import FRESHNESS, decisions_before, earliest_decision
from harness.checker.evidence import Breach, Evidence
from shared.scopes import ACCOUNT, list_scope, sender_scope

_TIMESTAMP_GRAIN = timedelta(milliseconds=5)  # record timestamps are whole milliseconds; two processes read one clock


def unannounced_call(evidence: Evidence) -> Iterator[Breach]:
    """G1: every call was announced, by a `message_dispatching` event whose decision started before the call."""
    for call in evidence.history.calls:
        if not decisions_before(call, evidence.trail_of(call)):
            yield Breach(call.message_id, "the carrier was called, but no message_dispatching event announced it")


def announced_late(evidence: Evidence) -> Iterator[Breach]:
    """G1: Kafka had the announcement before the carrier was called, so that no reply can overtake its message."""
    for call in evidence.history.calls:
        trail = evidence.trail_of(call)
        if not decisions_before(call, trail):
            continue  # an unannounced call
        announced_at = min(trail.announced_at)
        if announced_at > call.arrived_at + _TIMESTAMP_GRAIN:
            yield Breach(call.message_id, f"called at {call.arrived_at}, but announced only at {announced_at}")


def stale_decision(evidence: Evidence) -> Iterator[Breach]:
    """G1: no call was made on a decision that had started more than a second before."""
    for call in evidence.history.calls:
        decisions = decisions_before(call, evidence.trail_of(call))
        if decisions and call.arrived_at - max(decisions) > FRESHNESS + call.slack:
            age = (call.arrived_at - max(decisions)).total_seconds()
            yield Breach(call.message_id, f"the decision had started {age:.3f} s before the carrier was called")


def sent_after_stop(evidence: Evidence) -> Iterator[Breach]:
    """G1: no call was decided after Kafka had acknowledged a STOP, unless the decision may have seen a later START.

    A call violates it if each state that its decision can have seen forbids its list, its sender number or the account,
    and it is not the one that may confirm the STOP.
    """
    for call in evidence.history.calls:
        trail = evidence.trail_of(call)
        timeline = evidence.timelines.get((call.account_id, call.phone))
        if timeline is None or not trail.requests:
            continue
        asked = trail.requests[0].request
        lists = {list_scope(each) for each in (asked.list_id, *asked.also_lists)}
        scopes = {*lists, ACCOUNT, sender_scope(call.sender_number)}
        decided_at = earliest_decision(call, trail)
        states = timeline.possibly_forbidden(decided_at, call.arrived_at)
        if all(scopes & forbidden.keys() for forbidden in states) and not is_allowed(evidence, call):
            detail = f"decided at {decided_at} or later and called at {call.arrived_at}, after a STOP was acknowledged"
            yield Breach(call.message_id, detail)


def called_twice(evidence: Evidence) -> Iterator[Breach]:
    """G3: no message id is called for again, unless the carrier answered that it takes nothing at this pace."""
    for (_, message_id), trail in evidence.trails.items():
        before = sorted(trail.calls, key=lambda call: call.arrived_at)[:-1]
        answers = [call.status for call in before if not call.is_throttled]
        if answers:
            yield Breach(message_id, f"the carrier was called again after {len(answers)} calls, answered {answers}")


def called_during_outage(evidence: Evidence) -> Iterator[Breach]:
    """G4: no call was made while a part was down without which a decision cannot be right."""
    for call in evidence.history.calls:
        for outage in evidence.history.outages:
            if outage.began_at + FRESHNESS + call.slack < call.arrived_at < outage.ended_at:
                after = (call.arrived_at - outage.began_at).total_seconds()
                yield Breach(call.message_id, f"the carrier was called {after:.3f} s after {outage.what} went down")


def never_requested(evidence: Evidence) -> Iterator[Breach]:
    """G6: every call sends what an account requested: the text, the number and the phone, not before its time."""
    for call in evidence.history.calls:
        requests = [each.request for each in evidence.trail_of(call).requests]
        requests = [each for each in requests if each.send_at is None or each.send_at <= call.arrived_at]
        if (call.phone, call.sender_number, call.body) not in [(r.phone, r.sender_number, r.body) for r in requests]:
            yield Breach(
                call.message_id, f"the carrier was called for {call.phone}, but nobody requested this message for then"
            )


def received_without_call(evidence: Evidence) -> Iterator[Breach]:
    """G6: every message on a phone came by a call of ours."""
    called = {(call.account_id, call.message_id, call.phone) for call in evidence.history.calls}
    for message in evidence.history.phone_messages:
        if (message.account_id, message.message_id, message.phone) not in called:
            yield Breach(message.message_id, f"{message.phone} received it, but the carrier was not called")
