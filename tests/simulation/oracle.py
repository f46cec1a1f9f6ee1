"""Judges what happened, by the words of the guarantees; it shares no code with the services.

It knows what people wrote and when Kafka acknowledged it, which bytes reached the carrier and when, and what was
published. From that it computes itself who must not be messaged. Where two readings of a guarantee are possible it
takes the weaker one: each finding is a violation without doubt.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from simulation.history import History, PublishedRecord, Utterance

FRESH_SECONDS = 1.0
"""G1: bytes of a call never leave on a decision that is older."""
_ROUNDING = 0.001


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a guarantee."""

    guarantee: str
    text: str

    def __str__(self) -> str:
        return f"{self.guarantee}: {self.text}"


def judge(history: History) -> list[Finding]:
    """Return all violations."""
    return [
        *_sent_after_stop(history),
        *_sent_without_watermark(history),
        *_called_twice(history),
        *_outcomes(history),
        *_lost(history),
        *_topic_differs(history),
        *_lifted_by_nobody(history),
        *_dropped_for_nothing(history),
        *(Finding("bug", each) for each in history.ended_by_bugs),
    ]


def _list_of(history: History, number: str) -> int:
    return next(each for each, its in history.numbers.items() if its == number)


def _forbids(history: History, stop: Utterance, list_id: int) -> bool:
    """Say whether an opt-out certainly covers messages of a list."""
    if stop.number is not None:
        return history.numbers[list_id] == stop.number
    return "account" in stop.scopes or f"list:{list_id}" in stop.scopes


def _may_lift(history: History, stop: Utterance, start: Utterance, at: float) -> bool:
    """Say whether an opt-in may lift an opt-out by `at`: it is one of the same phone, written later.

    A START to a number answers what was stopped by writing to it. Where somebody wrote STOP to two numbers before, it
    is left open which of the two it answers (decision 4: they left through the second). What a request reaches is left
    open, too.
    """
    if start.wish != "start" or start.phone != stop.phone or start.written_at > at or not _may_be_later(start, stop):
        return False
    if start.number is None or stop.number is None or start.number == stop.number:
        return True
    return any(
        other.wish == "stop" and other.number == start.number and other.written_at < start.written_at
        for other in history.utterances
        if other.phone == stop.phone
    )


def _may_be_later(one: Utterance, other: Utterance) -> bool:
    """Say whether one was written after the other: by the gateway's times, else as well by their order in Kafka."""
    if one.written_at >= other.written_at:
        return True
    is_known = one.is_timed and other.is_timed
    return not is_known and one.offset is not None and other.offset is not None and one.offset > other.offset


def _sent_after_stop(history: History) -> list[Finding]:
    found = []
    for call in history.calls:
        list_id = _list_of(history, call.sender_number)
        for stop in history.utterances:
            if stop.wish != "stop" or stop.phone != call.phone or stop.acknowledged_at is None:
                continue
            if stop.acknowledged_at >= call.at - FRESH_SECONDS - _ROUNDING or not _forbids(history, stop, list_id):
                continue
            if not any(_may_lift(history, stop, start, call.at) for start in history.utterances):
                text = (
                    f"{call.message_id} left for {call.phone} (list {list_id}) at {call.at:.3f},"
                    f" {call.at - stop.acknowledged_at:.3f} s after their STOP at"
                    f" {stop.partition}:{stop.offset} was acknowledged"
                )
                found.append(Finding("G1", text))
                break
    return found


def _sent_without_watermark(history: History) -> list[Finding]:
    """What was acknowledged over a second before the bytes left must have been decided and published by then (G4)."""
    marks = _watermarks(history)
    found = []
    for call in history.calls:
        due = [
            each
            for each in history.utterances
            if each.phone == call.phone
            and each.acknowledged_at is not None
            and each.acknowledged_at < call.at - FRESH_SECONDS - _ROUNDING
        ]
        for each in due:
            reached = (mark for at, mark in marks[each.partition] if at <= call.at)
            if max(reached, default=0) <= (each.offset or 0):
                text = f"{call.message_id} left at {call.at:.3f}, {each.partition}:{each.offset} was not decided yet"
                found.append(Finding("G4", text))
    return found


def _watermarks(history: History) -> dict[int, list[tuple[float, int]]]:
    """Return the watermarks of each partition, and from when on they could be read.

    Markers that were passed count only by whoever has published the newest watermark before.
    """
    marks: dict[int, list[tuple[float, int]]] = defaultdict(list)
    epochs: dict[int, str | None] = {}
    for record in history.published:
        kind, partition = record.value.get("type"), record.partition
        if kind == "watermark_advanced":
            epochs[partition] = record.value["settings_epoch"]
        if kind == "watermark_advanced" or (
            kind == "markers_passed" and epochs.get(partition) == record.value["settings_epoch"]
        ):
            marks[partition].append((record.readable_at, record.value["next_offset"]))
    return marks


def _called_twice(history: History) -> list[Finding]:
    """Calls that may have been taken: all but those that were refused for the pace alone."""
    calls = Counter(call.message_id for call in history.calls if not call.is_throttled)
    return [Finding("G3", f"{message_id}: {count} calls") for message_id, count in calls.items() if count > 1]


def _outcomes(history: History) -> list[Finding]:
    found = []
    outcomes: dict[str, set[str]] = defaultdict(set)
    for record in history.published:
        if record.topic == "delivery-events" and record.value["type"] in _OUTCOMES:
            outcomes[record.value["message_id"]].add(record.value["type"])
    if not history.is_settled:
        found.append(Finding("G2", f"not settled: {history.why_not_settled}"))
    taken = {call.message_id for call in history.calls if call.is_taken}
    for message_id, types in outcomes.items():
        final = types - {"message_outcome_unknown"}
        if len(final) > 1:
            found.append(Finding("G3", f"{message_id} has the outcomes {sorted(types)}"))
        if message_id in taken and final & {"message_suppressed", "message_rejected", "message_failed"}:
            found.append(Finding("G3", f"{message_id} was taken by the carrier and is {sorted(final)}"))
        if message_id not in taken and "message_sent" in types:
            found.append(Finding("G3", f"{message_id} is sent, and no carrier has it"))
    return found


_OUTCOMES = {"message_sent", "message_suppressed", "message_rejected", "message_failed", "message_outcome_unknown"}


def _lost(history: History) -> list[Finding]:
    """Everything that was acknowledged is decided exactly once, or parked (G2)."""
    if not history.is_settled:
        return []
    decided = Counter(str(row["event_id"]) for row in history.decisions)
    published = {
        str(record.value.get("cause_event_id")) for record in history.published if record.topic == "opt-out-events"
    } | {str(record.value.get("cause_event_id")) for record in history.published if record.topic == "suppressions"}
    found = [
        Finding("G2", f"{each.wish} at {each.partition}:{each.offset} is decided {decided[each.event_id]} times")
        for each in history.utterances
        if each.acknowledged_at is not None and decided[each.event_id] != 1
    ]
    written = {each.event_id for each in history.utterances} | _asked_again(history)
    found += [Finding("G2", f"{each} is decided, and nobody wrote it") for each in sorted(decided.keys() - written)]
    changed = {str(row["cause_event_id"]) for row in history.suppressions}
    found += [
        Finding("G2", f"{each} changed a suppression and was never published") for each in sorted(changed - published)
    ]
    return found


def _asked_again(history: History) -> set[str]:
    """Return the ids of opt-outs that a repair asked for, each for what the topic had forbidden just so before."""
    forbidden: set[tuple[str, str]] = set()
    found = set()
    for record in history.published:
        value = record.value
        if record.topic == "suppressions" and value["type"] == "suppression_changed" and value["state"] != "opted_in":
            forbidden.add((value["phone"], value["scope"]))
        elif record.topic == "inbound-messages" and value.get("by") == "stopline topics repair":
            keys = {(value["phone"], scope) for scope in value["scopes"]}
            found |= {value["event_id"]} if keys <= forbidden else set()
    return found


def _newest_states(history: History) -> dict[str, str]:
    """Return the state of each key of `suppressions`, by its newest record."""
    newest: dict[str, PublishedRecord] = {}
    for record in history.published:
        if record.topic == "suppressions" and record.value["type"] == "suppression_changed":
            key = (record.key or b"").decode()
            if key not in newest or newest[key].offset < record.offset:
                newest[key] = record
    return {key: record.value["state"] for key, record in newest.items()}


def _topic_differs(history: History) -> list[Finding]:
    """At the end the newest record of each key says what the decision log says; by then all faults are long over."""
    newest = _newest_states(history)
    found = []
    for row in history.suppressions:
        key = f"{row['account_id']}|{row['scope']}|{row['phone']}"
        state = newest.get(key)
        if state != row["state"]:
            found.append(Finding("G1", f"{key} is {row['state']} in the decision log and {state} in the topic"))
    return found


def _lifted_by_nobody(history: History) -> list[Finding]:
    """What the topic forbids is allowed again only because of an opt-in of that phone (G1)."""
    starts = {(each.event_id, each.phone) for each in history.utterances if each.wish == "start"}
    states: dict[str, str] = {}
    found = []
    for record in history.published:
        if record.topic != "suppressions" or record.value["type"] != "suppression_changed":
            continue
        value, key = record.value, (record.key or b"").decode()
        was_forbidden = states.get(key, "opted_in") != "opted_in"
        if was_forbidden and value["state"] == "opted_in" and (value["cause_event_id"], value["phone"]) not in starts:
            found.append(Finding("G1", f"{key} is allowed again at offset {record.offset}, and nobody asked for it"))
        states[key] = value["state"]
    return found


def _dropped_for_nothing(history: History) -> list[Finding]:
    """A message is dropped only where somebody had opted out of it (G5)."""
    stops: dict[str, list[Utterance]] = defaultdict(list)
    for each in history.utterances:
        if each.wish == "stop":
            stops[each.phone].append(each)
    return [
        Finding("G5", f"{record.value['message_id']} was dropped, and {record.value['phone']} never opted out")
        for record in history.published
        if record.value.get("type") == "message_suppressed" and not stops[_phone(record.value)]
    ]


def _phone(value: dict[str, Any]) -> str:
    return str(value["phone"])
