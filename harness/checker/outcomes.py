"""Checks of the outcomes that the sender published for the messages that were requested."""

from collections.abc import Iterator

from harness.checker.evidence import Breach, Evidence
from harness.checker.timeline import Timeline
from shared.events.delivery import MessageSuppressed

_CALLED = frozenset({"message_sent", "message_failed"})  # an unknown outcome may or may not have had a call
_NEVER_CALLED = frozenset({"message_suppressed", "message_rejected"})
_ALLOWED = frozenset(
    frozenset(outcomes)
    for outcomes in (
        {"message_sent"},
        {"message_failed"},
        {"message_suppressed"},
        {"message_rejected"},
        {"message_outcome_unknown"},
        {"message_outcome_unknown", "message_sent"},  # settled later, by a receipt or a late answer
        {"message_outcome_unknown", "message_failed"},
        {"message_outcome_unknown", "message_suppressed"},  # the call was never made, and was forbidden by then
    )
)
_ACCEPTED_STATUS = range(200, 300)
_REFUSED_STATUS = range(400, 500)


def no_outcome(evidence: Evidence) -> Iterator[Breach]:
    """G2: every request has an outcome, or is parked."""
    parked = set(evidence.history.parked)
    for requested in evidence.history.requests:
        key = (requested.request.account_id, requested.request.message_id)
        if requested.place not in parked and not evidence.trails[key].outcomes:
            yield Breach(key[1], "it was requested, but no event gives its outcome")


def outcomes_contradict(evidence: Evidence) -> Iterator[Breach]:
    """G2: no message has two outcomes, except one that was unknown and then settled."""
    for (_, message_id), trail in evidence.trails.items():
        if trail.outcomes and trail.outcomes not in _ALLOWED:
            yield Breach(message_id, f"it has several outcomes: {', '.join(sorted(trail.outcomes))}")


def event_with_several_ids(evidence: Evidence) -> Iterator[Breach]:
    """G2: however often an event is published, it is the same event."""
    for (_, message_id), trail in evidence.trails.items():
        for event_type, ids in trail.event_ids.items():
            if len(ids) > 1:
                yield Breach(message_id, f"{event_type} was published under {len(ids)} different event ids")


def outcome_contradicts_call(evidence: Evidence) -> Iterator[Breach]:
    """G2: a message that was suppressed or rejected was not handed to the carrier."""
    for (_, message_id), trail in evidence.trails.items():
        if trail.outcomes & _NEVER_CALLED and not all(call.is_throttled for call in trail.calls):
            yield Breach(message_id, f"{_outcomes(trail.outcomes)} was published, but the carrier was called")


def outcome_without_dispatching(evidence: Evidence) -> Iterator[Breach]:
    """G2: a message that was sent, or refused by the carrier, was announced before."""
    for (_, message_id), trail in evidence.trails.items():
        if trail.outcomes & _CALLED and not trail.decided_at:
            yield Breach(message_id, f"{_outcomes(trail.outcomes)} was published, but message_dispatching was not")


def sent_without_call(evidence: Evidence) -> Iterator[Breach]:
    """G2: for a message that was sent, there is a call that the carrier did not refuse."""
    for (_, message_id), trail in evidence.trails.items():
        answers = [call.status for call in trail.calls]
        if "message_sent" in trail.outcomes and all(status in _REFUSED_STATUS for status in answers):
            yield Breach(message_id, f"message_sent was published, but the carrier's answers are {answers}")


def failed_though_accepted(evidence: Evidence) -> Iterator[Breach]:
    """G2: for a message that failed, there is no call that the carrier accepted."""
    for (_, message_id), trail in evidence.trails.items():
        answers = [call.status for call in trail.calls]
        if "message_failed" in trail.outcomes and any(status in _ACCEPTED_STATUS for status in answers):
            yield Breach(message_id, f"message_failed was published, but the carrier's answers are {answers}")


def dropped_for_nothing(evidence: Evidence) -> Iterator[Breach]:
    """G5: no message was suppressed for a scope that its recipient had not opted out of."""
    for record in evidence.history.deliveries:
        event = record.event
        if not isinstance(event, MessageSuppressed):
            continue
        timeline = evidence.timelines.get((event.account_id, event.phone), Timeline())
        # An event is published again with its old content after a crash, so its time only limits when it was decided.
        states = timeline.possibly_forbidden(event.decision_started_at, record.created_at)
        if not any(event.scope in forbidden for forbidden in states):
            yield Breach(event.message_id, f"it was suppressed, but nobody had opted out of {event.scope}")


def _outcomes(outcomes: set[str]) -> str:
    return " and ".join(sorted(outcomes))
