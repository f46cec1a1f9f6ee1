"""Single faults planted into a history, each with the rules that must find it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import NamedTuple, TypeVar

from checker.simulator import ACCOUNT, phone
from harness.checker.history import (
    CarrierCall,
    ChangeRecord,
    DeliveryRecord,
    History,
    LogEntry,
    Outage,
    PhoneMessage,
    Place,
    SuppressedScope,
)
from shared.events.base import derived_id
from shared.events.delivery import (
    MessageDispatching,
    MessageRejected,
    MessageSent,
    MessageSuppressed,
    delivery_event_id,
)
from shared.events.opt_out import OptedOut

T = TypeVar("T")
Plant = Callable[[History, Random], History | None]


class Mutation(NamedTuple):
    """`plant` returns None where the history has nothing to break in this way."""

    plant: Plant
    found_by: frozenset[tuple[str, str]]


def without(items: tuple[T, ...], gone: Callable[[T], bool]) -> tuple[T, ...]:
    return tuple(item for item in items if not gone(item))


def chosen(items: list[T], random: Random) -> T | None:
    return random.choice(items) if items else None


def lose_a_webhook(history: History, random: Random) -> History | None:
    gone = chosen(list(history.replies), random)
    return gone and replace(history, replies=without(history.replies, lambda r: r.event == gone.event))


def leave_undecided(history: History, random: Random) -> History | None:
    gone = chosen(list(history.entries), random)
    return gone and replace(history, entries=without(history.entries, lambda d: d == gone))


def decide_twice(history: History, random: Random) -> History | None:
    again = chosen(list(history.entries), random)
    return again and replace(history, entries=(*history.entries, again))


def change_the_record(history: History, random: Random) -> History | None:
    changed = chosen(list(history.entries), random)
    others = without(history.entries, lambda d: d == changed)
    return changed and replace(history, entries=(*others, replace(changed, intact=False)))


def decide_what_is_not_there(history: History, _random: Random) -> History | None:
    extra = LogEntry(ACCOUNT, derived_id("nothing", "such"), phone(0))
    return replace(history, entries=(*history.entries, extra))


def call_twice(history: History, random: Random) -> History | None:
    call = chosen(list(history.calls), random)
    again = call and replace(call, arrived_at=call.arrived_at + timedelta(milliseconds=30))
    return again and replace(history, calls=(*history.calls, again))


def call_in_an_outage(history: History, random: Random) -> History | None:
    call = chosen(list(history.calls), random)
    if call is None:
        return None
    outage = Outage("kafka", call.arrived_at - timedelta(seconds=3), call.arrived_at + timedelta(seconds=1))
    return replace(history, outages=(*history.outages, outage))


def call_unannounced(history: History, random: Random) -> History | None:
    call = chosen(list(history.calls), random)
    deliveries = without(history.deliveries, lambda t: t.event.type == "message_dispatching" and is_about(t, call))
    return call and replace(history, deliveries=deliveries)


def announce_late(history: History, random: Random) -> History | None:
    call = chosen(list(history.calls), random)
    if call is None:
        return None
    late = call.arrived_at + timedelta(milliseconds=500)
    deliveries = tuple(
        replace(t, created_at=late) if t.event.type == "message_dispatching" and is_about(t, call) else t
        for t in history.deliveries
    )
    return replace(history, deliveries=deliveries)


def decide_after_the_call(history: History, random: Random) -> History | None:
    call = chosen(list(history.calls), random)
    return call and _decided_before(history, call, timedelta(milliseconds=-500))


def call_on_a_stale_decision(history: History, random: Random) -> History | None:
    call = chosen(list(history.calls), random)
    return call and _decided_before(history, call, timedelta(milliseconds=2600))


def call_a_little_late_by_the_kernels_clock(history: History, random: Random) -> History | None:
    """No slack is given where the carrier's socket itself has the time."""
    call = chosen(list(history.calls), random)
    if call is None:
        return None
    calls = tuple(replace(each, stamped=True) if each == call else each for each in history.calls)
    return replace(_decided_before(history, call, timedelta(milliseconds=1010)), calls=calls)


def _decided_before(history: History, call: CarrierCall, age: timedelta) -> History:
    deliveries = tuple(
        replace(t, event=t.event.model_copy(update={"decision_started_at": call.arrived_at - age}))
        if t.event.type == "message_dispatching" and is_about(t, call)
        else t
        for t in history.deliveries
    )
    return replace(history, deliveries=deliveries)


def _sent_instead(history: History, drop: MessageSuppressed, dropped: DeliveryRecord, **claims: object) -> History:
    """Return the history in which a message was sent that was dropped."""
    fields = drop.model_dump(exclude={"type", "event_id", "scope", "state"}) | claims
    deliveries = [t for t in history.deliveries if t.event != drop]
    dispatching = MessageDispatching(event_id=delivery_event_id(ACCOUNT, drop.message_id, "d"), **fields)
    sent = MessageSent(
        event_id=delivery_event_id(ACCOUNT, drop.message_id, "s"), carrier_message_id=f"c-{drop.message_id}", **fields
    )
    called_at = dropped.created_at  # before anything that came after the drop
    call = CarrierCall(ACCOUNT, drop.message_id, drop.phone, drop.sender_number, "Hi", called_at, 200)
    received = PhoneMessage(ACCOUNT, drop.message_id, drop.phone, called_at)
    return replace(
        history,
        deliveries=(*deliveries, DeliveryRecord(dropped.created_at, dispatching), DeliveryRecord(called_at, sent)),
        calls=(*history.calls, call),
        phone_messages=(*history.phone_messages, received),
    )


def send_after_stop(history: History, random: Random) -> History | None:
    drop = chosen([t for t in history.deliveries if isinstance(t.event, MessageSuppressed)], random)
    return drop and _sent_instead(history, drop.event, drop)


def send_long_after_stop_on_an_old_claim(history: History, random: Random) -> History | None:
    """The sender says that it decided long before the STOP; the carrier's clock knows better."""
    long_after = [
        (drop, stop.created_at)
        for drop in history.deliveries
        if isinstance(drop.event, MessageSuppressed) and (stop := _last_stop_before(drop, history)) is not None
        if drop.created_at - stop.created_at > timedelta(seconds=3)
    ]
    found = chosen(long_after, random)
    if found is None:
        return None
    drop, stopped_at = found
    return _sent_instead(history, drop.event, drop, decision_started_at=stopped_at - timedelta(seconds=1))


def _last_stop_before(drop: DeliveryRecord, history: History) -> ChangeRecord | None:
    about = [c for c in history.changes if c.event.phone == drop.event.phone and c.event.scope == drop.event.scope]
    return max((c for c in about if c.created_at < drop.created_at), key=lambda c: c.created_at, default=None)


def forget_an_outcome(history: History, random: Random) -> History | None:
    request = chosen(list(history.requests), random)
    gone = request and request.request.message_id
    return request and replace(history, deliveries=without(history.deliveries, lambda t: t.event.message_id == gone))


def contradict_an_outcome(history: History, random: Random) -> History | None:
    call = chosen(list(history.calls), random)
    if call is None:
        return None
    rejected = MessageRejected(
        event_id=derived_id(call.message_id, "r"),
        occurred_at=call.arrived_at,
        account_id=ACCOUNT,
        message_id=call.message_id,
        reason="invalid",
        detail="",
    )
    return replace(history, deliveries=(*history.deliveries, DeliveryRecord(call.arrived_at, rejected)))


def lose_an_opt_out_in_the_topic(history: History, random: Random) -> History | None:
    key = chosen([k for k, state in history.states.items() if state == "opted_out"], random)
    return key and replace(history, suppressions=without(history.suppressions, lambda p: _key(p) == key))


def bring_back_by_a_zombie(history: History, random: Random) -> History | None:
    """A record after the last one: compaction keeps the zombie's."""
    key = chosen([k for k, state in history.states.items() if state == "opted_out"], random)
    if key is None:
        return None
    last = [p for p in history.suppressions if _key(p) == key][-1]
    stale = replace(last, offset=10_000, event=last.event.model_copy(update={"state": "opted_in"}))
    return replace(history, suppressions=(*history.suppressions, stale))


def lose_an_opt_out_in_the_database(history: History, random: Random) -> History | None:
    key = chosen([k for k, state in history.states.items() if state == "opted_out"], random)
    return key and replace(history, states={**history.states, key: "opted_in"})


def opt_out_of_another_list(history: History, _random: Random) -> History | None:
    key = SuppressedScope(ACCOUNT, "list:99", phone(0))
    return replace(history, states={**history.states, key: "opted_out"})


def change_another_list(history: History, random: Random) -> History | None:
    change = chosen([c for c in history.changes if isinstance(c.event, OptedOut)], random)
    if change is None:
        return None
    other = replace(change, event=change.event.model_copy(update={"scope": "list:99"}))
    return replace(history, changes=(*history.changes, other))


def change_in_silence(history: History, random: Random) -> History | None:
    gone = chosen(list(history.changes), random)
    return gone and replace(history, changes=without(history.changes, lambda c: c == gone))


def publish_a_change_twice(history: History, random: Random) -> History | None:
    again = chosen(list(history.changes), random)
    return again and replace(history, changes=(*history.changes, again))


def call_what_nobody_requested(history: History, random: Random) -> History | None:
    call = chosen(list(history.calls), random)
    mine = [r for r in history.requests if call and is_about(r, call)]
    return call and replace(history, requests=without(history.requests, lambda r: r in mine))


def call_another_phone(history: History, random: Random) -> History | None:
    call = chosen(list(history.calls), random)
    calls = tuple(replace(c, phone=phone(9)) if c == call else c for c in history.calls)
    return call and replace(history, calls=calls)


def receive_without_a_call(history: History, _random: Random) -> History | None:
    extra = PhoneMessage(ACCOUNT, "m-none", phone(0), history.read_at)
    return replace(history, phone_messages=(*history.phone_messages, extra))


def drop_for_nothing(history: History, random: Random) -> History | None:
    wrote = {r.event.phone for r in history.replies}
    sent = chosen(
        [t for t in history.deliveries if isinstance(t.event, MessageSent) and t.event.phone not in wrote], random
    )
    if sent is None:
        return None
    drop = MessageSuppressed(
        **sent.event.model_dump(exclude={"type", "carrier_message_id"}),
        scope=f"list:{sent.event.list_id}",
        state="opted_out",
        decision_started_at=sent.created_at,
    )
    about = [t for t in history.deliveries if t.event.message_id == sent.event.message_id]
    return replace(
        history,
        deliveries=(*without(history.deliveries, lambda t: t in about), DeliveryRecord(sent.created_at, drop)),
        calls=without(history.calls, lambda c: is_about(sent, c)),
        phone_messages=without(history.phone_messages, lambda m: is_about(sent, m)),
    )


def skip_a_bad_record(history: History, _random: Random) -> History | None:
    return replace(history, unreadable=(Place("outbound-messages", 0, 999),))


def is_about(one: object, call: object) -> bool:
    return call is not None and _message_id(one) == _message_id(call)


def _message_id(thing: object) -> str:
    inner = getattr(thing, "event", None) or getattr(thing, "request", thing)
    return str(inner.message_id)  # type: ignore[attr-defined]


def _key(published: object) -> SuppressedScope:
    event = published.event  # type: ignore[attr-defined]
    return SuppressedScope(event.account_id, event.scope, event.phone)
