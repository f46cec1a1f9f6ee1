"""What people wrote and what was made of it: G2 for replies, G5."""

from collections import Counter
from collections.abc import Iterator

from harness.checker.acknowledged import first_records
from harness.checker.history import History, ScopeKey
from harness.checker.preferences import STOPS
from harness.checker.timeline import Person, Step, Timeline
from harness.checker.violation import Violation
from shared.events.opt_out import OptedOut

_FORBIDDING = ("opted_out", "held")


def check_record(history: History, lines: dict[Person, Timeline]) -> Iterator[Violation]:
    yield from _webhooks_lost(history)
    yield from _decided_once_for_good(history)
    for line in lines.values():
        for step in line.steps:
            yield from _changes_of(step, history)
    yield from _states(history, lines)
    yield from _unparked(history)


def _webhooks_lost(history: History) -> Iterator[Violation]:
    there = {(r.event.account_id, r.event.gateway_message_id, r.event.phone) for r in history.inbound}
    for answer in history.answered:
        if (answer.account_id, answer.gateway_message_id, answer.phone) not in there:
            detail = f"answered 2xx at {answer.answered_at}, not in inbound-messages"
            yield Violation("G2", "webhook_lost", answer.gateway_message_id, detail)


def _decided_once_for_good(history: History) -> Iterator[Violation]:
    times = Counter(decided.event_id for decided in history.decided)
    first = first_records(history)
    for event_id in first:
        if times[event_id] == 0:
            yield Violation("G2", "not_decided", str(event_id), "recorded in Kafka, no entry in the record")
        if times[event_id] > 1:
            yield Violation("G2", "decided_twice", str(event_id), f"{times[event_id]} entries in the record")
    for decided in history.decided:
        if not decided.intact:
            yield Violation("G8", "record_changed", str(decided.event_id), "the entry does not fit its hash")
    for event_id in times.keys() - first.keys():
        yield Violation("G2", "decided_without_event", str(event_id), "an entry in the record, no event in Kafka")


def _changes_of(step: Step, history: History) -> Iterator[Violation]:
    subject = str(step.record.event.event_id)
    mine = [c.event for c in history.changed if c.event.cause_event_id == step.record.event.event_id]
    told = {event.scope for event in mine if isinstance(event, OptedOut) is (step.wish in STOPS)}
    wrong = {event.scope for event in mine} - (step.changes if step.wish not in STOPS else step.possible)
    wrong |= {event.scope for event in mine if isinstance(event, OptedOut) is not (step.wish in STOPS)}
    for scope in step.changes - told:
        yield Violation("G2", "change_missing", subject, f"no event says that {scope} changed")
    if step.wish in STOPS and not step.possible & step.state.keys():
        yield Violation("G2", "stop_without_effect", subject, f"none of {sorted(step.possible)} is opted out")
    for scope in wrong:
        yield Violation(
            "G5", "wrong_scope", subject, f"changed {scope}; it is about {sorted(step.possible) or 'nothing'}"
        )
    for scope, count in Counter(event.scope for event in mine).items():
        if count > 1:
            yield Violation("G2", "change_told_twice", subject, f"{scope} {count} times")


def _states(history: History, lines: dict[Person, Timeline]) -> Iterator[Violation]:
    """In the end, what compaction keeps of the suppressions and what the API says must be what people wished."""
    wished = {ScopeKey(account, scope, phone) for (account, phone), line in lines.items() for scope in line.last_state}
    last: dict[ScopeKey, str] = {}
    for record in sorted(history.published, key=lambda r: (r.partition, r.offset)):
        last[ScopeKey(record.event.account_id, record.event.scope, record.event.phone)] = record.event.state
    yield from _differences("suppressions", wished, last)
    yield from _differences("customer API", wished, dict(history.states))


def _differences(where: str, wished: set[ScopeKey], states: dict[ScopeKey, str]) -> Iterator[Violation]:
    forbidden = {key for key, state in states.items() if state in _FORBIDDING}
    for key in wished - forbidden:
        yield Violation("G2", "opt_out_lost", f"{key.scope} of {key.phone}", f"{where}: {states.get(key, 'nothing')}")
    for key in forbidden - wished:
        yield Violation("G5", "forbidden_without_wish", f"{key.scope} of {key.phone}", f"{where}: {states[key]}")


def _unparked(history: History) -> Iterator[Violation]:
    """A record that is parked again after a crash has the same id: an operator sees it once."""
    for place in set(history.unreadable) - set(history.parked):
        yield Violation("G2", "not_parked", f"{place.topic} {place.partition} {place.offset}", "unreadable, not parked")
