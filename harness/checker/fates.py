"""What became of each message that was asked for: G2 for requests, and G5 for drops."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from harness.checker.history import Call, History
from harness.checker.sends import MessageKey
from harness.checker.timeline import Person, Timeline
from harness.checker.violation import Violation
from shared.events.delivery import DeliveryReceiptReceived, MessageSuppressed

_CALLED = frozenset({"message_sent", "message_failed"})  # of an unknown one nobody knows
_NEVER_CALLED = frozenset({"message_suppressed", "message_rejected"})
_ALLOWED = frozenset(
    frozenset(fates)
    for fates in (
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


@dataclass
class _Message:
    fates: set[str] = field(default_factory=set)
    event_ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    calls: list[Call] = field(default_factory=list)
    announced: bool = False


def check_fates(history: History, lines: dict[Person, Timeline]) -> Iterator[Violation]:
    parked = set(history.parked)
    messages = _messages(history)
    for requested in history.requested:
        key = (requested.request.account_id, requested.request.message_id)
        if requested.place not in parked and not messages[key].fates:
            yield Violation("G2", "no_fate", key[1], "asked for, and nothing says what became of it")
    for (_, message_id), message in messages.items():
        yield from _contradictions(message_id, message)
    for told in history.told:
        if isinstance(told.event, MessageSuppressed):
            yield from _dropped_for_nothing(told.event, told.created_at, lines)


def _messages(history: History) -> defaultdict[MessageKey, _Message]:
    found: defaultdict[MessageKey, _Message] = defaultdict(_Message)
    for told in history.told:
        event = told.event
        if isinstance(event, DeliveryReceiptReceived) or event.account_id is None:
            continue
        message = found[event.account_id, event.message_id]
        message.event_ids[event.type].add(str(event.event_id))
        if event.type == "message_dispatching":
            message.announced = True
        else:
            message.fates.add(event.type)
    for call in history.calls:
        found[call.account_id, call.message_id].calls.append(call)
    return found


def _contradictions(message_id: str, message: _Message) -> Iterator[Violation]:
    fates = frozenset(message.fates)
    if fates and fates not in _ALLOWED:
        yield Violation("G2", "fates_contradict", message_id, f"both {' and '.join(sorted(fates))}")
    for fate, ids in message.event_ids.items():
        if len(ids) > 1:
            yield Violation("G2", "fate_with_several_ids", message_id, f"{fate} is told as {len(ids)} different events")
    if fates & _NEVER_CALLED and message.calls:
        yield Violation("G2", "fate_contradicts_call", message_id, f"{sorted(fates)}, but the carrier was called")
    if fates & _CALLED and not message.announced:
        yield Violation("G2", "fate_without_dispatch", message_id, f"{sorted(fates)}, but it was never dispatched")
    yield from _contradict_answers(message_id, message)


def _contradict_answers(message_id: str, message: _Message) -> Iterator[Violation]:
    answers = [call.status for call in message.calls]
    if "message_sent" in message.fates and all(status in _REFUSED_STATUS for status in answers):
        yield Violation("G2", "sent_without_call", message_id, f"the carrier answered {answers}")
    if "message_failed" in message.fates and any(status in _ACCEPTED_STATUS for status in answers):
        yield Violation("G2", "failed_though_accepted", message_id, f"the carrier answered {answers}")


def _dropped_for_nothing(
    event: MessageSuppressed, told_at: datetime, lines: dict[Person, Timeline]
) -> Iterator[Violation]:
    line = lines.get((event.account_id, event.phone), Timeline())
    # A replay tells an old decision again, so the event's time says no more than that the drop was decided before.
    states = line.possible_states(event.decision_started_at, told_at)
    if not any(event.scope in state for state in states):
        yield Violation("G5", "dropped_for_nothing", event.message_id, f"nobody opted out of {event.scope}")
