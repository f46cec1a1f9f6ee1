"""What reached the carrier and the phones: G1, G3, G4, G6."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from harness.checker.history import Call, History, Outage, Received, Requested
from harness.checker.timeline import Person, Timeline
from harness.checker.violation import Violation
from shared.events.delivery import MessageDispatching

FRESHNESS = timedelta(seconds=1)
"""No carrier call on a decision older than this."""
_TIMESTAMP_GRAIN = timedelta(milliseconds=5)  # record timestamps are whole milliseconds; two processes read one clock

MessageKey = tuple[str, str]
"""Account and message id."""


@dataclass(frozen=True)
class Sends:
    """What is known about messages, by (account, message id)."""

    requests: dict[MessageKey, list[Requested]]
    announced: dict[MessageKey, list[datetime]]
    announcements: dict[MessageKey, datetime]

    @classmethod
    def of(cls, history: History) -> "Sends":
        requests: defaultdict[MessageKey, list[Requested]] = defaultdict(list)
        announced: defaultdict[MessageKey, list[datetime]] = defaultdict(list)
        announcements: dict[MessageKey, datetime] = {}
        for requested in history.requested:
            requests[requested.request.account_id, requested.request.message_id].append(requested)
        for told in history.told:
            if isinstance(told.event, MessageDispatching):
                key = (told.event.account_id, told.event.message_id)
                announced[key].append(told.event.decision_started_at)
                announcements[key] = min(told.created_at, announcements.get(key, told.created_at))
        return cls(requests, announced, announcements)


def check_sends(history: History, lines: dict[Person, Timeline]) -> Iterator[Violation]:
    sends = Sends.of(history)
    for call in history.calls:
        yield from _stale_or_unannounced(call, sends)
        yield from _after_stop(call, sends, lines)
        yield from _not_as_requested(call, sends)
        yield from _during_outage(call, history.outages)
    yield from _called_twice(history)
    yield from _received_without_call(history)


def decision_of(call: Call, sends: Sends) -> datetime:
    """Return when the decision for the call started, at the earliest that the rules allow: claimed or not."""
    earliest = call.arrived_at - FRESHNESS - call.slack
    claimed = [at for at in sends.announced.get(_key(call), []) if at <= call.arrived_at]
    return max([earliest, *claimed])


def _stale_or_unannounced(call: Call, sends: Sends) -> Iterator[Violation]:
    claimed = [at for at in sends.announced.get(_key(call), []) if at <= call.arrived_at]
    announced_at = sends.announcements.get(_key(call))
    if not claimed or announced_at is None:
        yield Violation("G1", "unannounced_call", call.message_id, "the carrier was called with no dispatching event")
        return
    if announced_at > call.arrived_at + _TIMESTAMP_GRAIN:
        yield Violation("G1", "announced_late", call.message_id, f"called {call.arrived_at}, announced {announced_at}")
    age = call.arrived_at - max(claimed)
    if age > FRESHNESS + call.slack:
        yield Violation(
            "G1", "stale_decision", call.message_id, f"called {age.total_seconds():.3f} s after it was decided"
        )


def _after_stop(call: Call, sends: Sends, lines: dict[Person, Timeline]) -> Iterator[Violation]:
    line = lines.get((call.account_id, call.phone))
    requested = sends.requests.get(_key(call))
    if line is None or not requested:
        return
    scopes = {f"list:{requested[0].request.list_id}", "account", f"sender:{call.sender_number}"}
    decided_at = decision_of(call, sends)
    if all(scopes & state.keys() for state in line.possible_states(decided_at, call.arrived_at)):
        detail = f"decided {decided_at}, called {call.arrived_at}, though a STOP was acknowledged before"
        yield Violation("G1", "sent_after_stop", call.message_id, detail)


def _not_as_requested(call: Call, sends: Sends) -> Iterator[Violation]:
    wanted = [(r.request.phone, r.request.sender_number, r.request.body) for r in sends.requests.get(_key(call), [])]
    if (call.phone, call.sender_number, call.body) not in wanted:
        yield Violation("G6", "never_requested", call.message_id, "nobody asked for this message to this phone")


def _during_outage(call: Call, outages: tuple[Outage, ...]) -> Iterator[Violation]:
    for outage in outages:
        if outage.began_at + FRESHNESS + call.slack < call.arrived_at < outage.ended_at:
            after = (call.arrived_at - outage.began_at).total_seconds()
            detail = f"called {after:.3f} s after {outage.what} was down"
            yield Violation("G4", "called_during_outage", call.message_id, detail)


def _called_twice(history: History) -> Iterator[Violation]:
    for (_, message_id), count in Counter(_key(call) for call in history.calls).items():
        if count > 1:
            yield Violation("G3", "called_twice", message_id, f"{count} carrier calls")


def _received_without_call(history: History) -> Iterator[Violation]:
    called = {(*_key(call), call.phone) for call in history.calls}
    for message in history.received:
        if (*_key(message), message.phone) not in called:
            yield Violation("G6", "received_without_call", message.message_id, "a phone has it, no call was made")


def _key(message: Call | Received) -> MessageKey:
    return message.account_id, message.message_id
