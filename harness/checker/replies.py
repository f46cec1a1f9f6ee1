"""Checks of replies: each is in Kafka, decided once, and changed what it asks for and nothing else."""

from collections import Counter
from collections.abc import Iterator, Mapping

from harness.checker.evidence import Breach, Evidence
from harness.checker.history import SuppressedScope
from harness.checker.preferences import STOPS
from harness.checker.timeline import JudgedReply
from shared.events.opt_out import AnyOptOutEvent, OptedOut

_FORBIDDING = ("opted_out", "held")


def webhook_lost(evidence: Evidence) -> Iterator[Breach]:
    """G2: every reply whose webhook was answered with 2xx is in `inbound-messages`."""
    events = [record.event for record in evidence.history.replies]
    in_kafka = {(event.account_id, event.gateway_message_id, event.phone) for event in events}
    for accepted in evidence.history.accepted:
        if (accepted.account_id, accepted.gateway_message_id, accepted.phone) not in in_kafka:
            detail = f"its webhook was answered with 2xx at {accepted.answered_at}, but it is not in inbound-messages"
            yield Breach(accepted.gateway_message_id, detail)


def not_decided(evidence: Evidence) -> Iterator[Breach]:
    """G2: every reply in `inbound-messages` has an entry in the decision log."""
    decided = {entry.event_id for entry in evidence.history.entries}
    for event_id in evidence.replies_by_id.keys() - decided:
        yield Breach(str(event_id), "it is in inbound-messages, but has no entry in the decision log")


def decided_twice(evidence: Evidence) -> Iterator[Breach]:
    """G2: no reply has a second entry in the decision log, however often Kafka has it."""
    for event_id, count in Counter(entry.event_id for entry in evidence.history.entries).items():
        if count > 1:
            yield Breach(str(event_id), f"it has {count} entries in the decision log")


def decided_without_event(evidence: Evidence) -> Iterator[Breach]:
    """G2: every entry of the decision log is about a reply in `inbound-messages`."""
    for event_id in {entry.event_id for entry in evidence.history.entries} - evidence.replies_by_id.keys():
        yield Breach(str(event_id), "it has an entry in the decision log, but is not in inbound-messages")


def entry_changed(evidence: Evidence) -> Iterator[Breach]:
    """G8: no entry of the decision log was changed after it was written: each fits its hash."""
    for entry in evidence.history.entries:
        if not entry.intact:
            yield Breach(str(entry.event_id), "its entry in the decision log does not fit its hash")


def change_missing(evidence: Evidence) -> Iterator[Breach]:
    """G2: an `opted_out` or `opted_in` event was published for every scope that a reply must have changed."""
    for reply in evidence.replies:
        published = {event.scope for event in _changes(evidence, reply) if _is_of_its_kind(event, reply)}
        for scope in reply.changes - published:
            yield Breach(_id(reply), f"no opt-out event says that it changed {scope}")


def change_published_twice(evidence: Evidence) -> Iterator[Breach]:
    """G2: no change of a scope was published a second time."""
    for reply in evidence.replies:
        for scope, count in Counter(event.scope for event in _changes(evidence, reply)).items():
            if count > 1:
                yield Breach(_id(reply), f"{count} opt-out events say that it changed {scope}")


def stop_without_effect(evidence: Evidence) -> Iterator[Breach]:
    """G2: after every STOP, at least one of the scopes that it may be about is forbidden."""
    for reply in evidence.replies:
        if reply.wish in STOPS and not reply.possible & reply.forbidden.keys():
            yield Breach(_id(reply), f"it is a STOP, but none of {sorted(reply.possible)} was opted out")


def wrong_scope(evidence: Evidence) -> Iterator[Breach]:
    """G5: no reply changed a scope that it is not about, and no STOP opted anybody in, or START out."""
    for reply in evidence.replies:
        changes = _changes(evidence, reply)
        for scope in {e.scope for e in changes if e.scope not in reply.possible or not _is_of_its_kind(e, reply)}:
            yield Breach(_id(reply), f"it changed {scope}, but is about {sorted(reply.possible) or 'no scope'}")


def opt_out_lost(evidence: Evidence) -> Iterator[Breach]:
    """G2: at the end, every scope that a recipient's replies forbid is forbidden in Kafka and in the customer API."""
    for source, states in _states_at_the_end(evidence):
        forbidden = {key for key, state in states.items() if state in _FORBIDDING}
        for key in _forbidden_by_replies(evidence) - forbidden:
            detail = f"a STOP is in force, but {source} has {states.get(key, 'no state')}"
            yield Breach(f"{key.scope} of {key.phone}", detail)


def forbidden_without_wish(evidence: Evidence) -> Iterator[Breach]:
    """G5: at the end, no scope is forbidden in Kafka or in the customer API that no reply forbids."""
    for source, states in _states_at_the_end(evidence):
        forbidden = {key for key, state in states.items() if state in _FORBIDDING}
        for key in forbidden - _forbidden_by_replies(evidence):
            yield Breach(f"{key.scope} of {key.phone}", f"no STOP is in force, but {source} has {states[key]}")


def not_parked(evidence: Evidence) -> Iterator[Breach]:
    """G2: every record that cannot be read is parked, where an operator sees it."""
    for place in set(evidence.history.unreadable) - set(evidence.history.parked):
        subject = f"{place.topic}, partition {place.partition}, offset {place.offset}"
        yield Breach(subject, "the record cannot be read, but is not in parked-messages")


def _changes(evidence: Evidence, reply: JudgedReply) -> list[AnyOptOutEvent]:
    return evidence.changes.get(reply.reply_id, [])


def _is_of_its_kind(event: AnyOptOutEvent, reply: JudgedReply) -> bool:
    """Return whether the event is an opt-out for a STOP, or an opt-in for any other reply."""
    return isinstance(event, OptedOut) is (reply.wish in STOPS)


def _forbidden_by_replies(evidence: Evidence) -> set[SuppressedScope]:
    return {
        SuppressedScope(account_id, scope, phone)
        for (account_id, phone), timeline in evidence.timelines.items()
        for scope in timeline.forbidden_at_the_end
    }


def _states_at_the_end(evidence: Evidence) -> Iterator[tuple[str, Mapping[SuppressedScope, str]]]:
    """Give the suppressions that compaction keeps of the topic, and those that the customer API shows."""
    kept: dict[SuppressedScope, str] = {}
    for record in sorted(evidence.history.suppressions, key=lambda r: (r.partition, r.offset)):
        event = record.event
        kept[SuppressedScope(event.account_id, event.scope, event.phone)] = event.state
    yield "the topic suppressions", kept
    yield "the customer API", evidence.history.states


def _id(reply: JudgedReply) -> str:
    return str(reply.reply_id)
