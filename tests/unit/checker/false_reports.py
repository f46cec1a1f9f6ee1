"""Faults in what the services called and reported: calls and events of the sender and the opt-out service."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from checker.mutations import chosen, is_about, without
from checker.simulator import ACCOUNT
from harness.checker.history import DeliveryRecord, History, ReplyRecord, SuppressedScope
from harness.checker.preferences import STOPS, Wish, wish_of
from shared.events.base import derived_id
from shared.events.delivery import MessageDispatching, MessageFailed, MessageSent, MessageSuppressed
from shared.events.opt_out import OptedIn, OptedOut

_OTHER_LIST = "list:99"


def call_again_after_it_was_accepted(history: History, random: Random) -> History | None:
    """That the second call is answered 429 makes it no better."""
    call = chosen(list(history.calls), random)
    again = call and replace(call, arrived_at=call.arrived_at + timedelta(milliseconds=30), status=429)
    return again and replace(history, calls=(*history.calls, again))


def call_again_after_an_error(history: History, random: Random) -> History | None:
    """What is not 429 leaves it open whether the carrier has the message."""
    call = chosen(list(history.calls), random)
    before = call and replace(
        call, arrived_at=call.arrived_at - timedelta(milliseconds=1), status=random.choice([500, None, 408])
    )
    return before and replace(history, calls=(before, *history.calls))


def publish_an_event_under_two_ids(history: History, random: Random) -> History | None:
    record = chosen(list(history.deliveries), random)
    if record is None:
        return None
    other = record.event.model_copy(update={"event_id": derived_id(record.event.event_id, "again")})
    return replace(history, deliveries=(*history.deliveries, replace(record, event=other)))


def say_sent_without_a_call(history: History, random: Random) -> History | None:
    sent = chosen([t for t in history.deliveries if isinstance(t.event, MessageSent)], random)
    return sent and replace(
        history,
        calls=without(history.calls, lambda c: is_about(sent, c)),
        phone_messages=without(history.phone_messages, lambda m: is_about(sent, m)),
    )


def say_sent_though_refused(history: History, random: Random) -> History | None:
    sent = chosen([t for t in history.deliveries if isinstance(t.event, MessageSent)], random)
    calls = tuple(replace(c, status=422) if sent and is_about(sent, c) else c for c in history.calls)
    return sent and replace(history, calls=calls)


def leave_out_the_announcement(history: History, random: Random) -> History | None:
    sent = _sent(history, random)
    return sent and replace(
        history,
        deliveries=without(history.deliveries, lambda r: isinstance(r.event, MessageDispatching) and is_about(sent, r)),
    )


def say_dropped_though_called(history: History, random: Random) -> History | None:
    sent = _sent(history, random)
    if sent is None:
        return None
    scope = f"list:{sent.event.list_id}"
    drop = MessageSuppressed(**_fields(sent), scope=scope, state="opted_out", decision_started_at=sent.created_at)
    return _with_outcome(history, sent, drop)


def say_failed_though_accepted(history: History, random: Random) -> History | None:
    sent = _sent(history, random)
    return sent and _with_outcome(history, sent, MessageFailed(**_fields(sent), reason="refused"))


def ignore_a_stop_that_may_be_about_several_lists(history: History, random: Random) -> History | None:
    """The service need not say that a certain list changed, but it must say that one of them did."""
    stop = chosen([record for record in history.replies if _may_be_about_several(record, history)], random)
    if stop is None:
        return None
    cause = stop.event.event_id
    return replace(
        history,
        changes=without(history.changes, lambda c: c.event.cause_event_id == cause),
        suppressions=without(history.suppressions, lambda s: s.event.cause_event_id == cause),
        entries=tuple(replace(e, opted_out=frozenset()) if e.event_id == cause else e for e in history.entries),
    )


def opt_in_by_a_stop(history: History, random: Random) -> History | None:
    change = chosen([c for c in history.changes if isinstance(c.event, OptedOut)], random)
    if change is None:
        return None
    opted_in = OptedIn(**change.event.model_dump(include=OptedIn.model_fields.keys() - {"type"}))
    return replace(history, changes=tuple(replace(c, event=opted_in) if c == change else c for c in history.changes))


def change_a_list_by_a_harmless_reply(history: History, random: Random) -> History | None:
    reply = chosen([r for r in history.replies if wish_of(r.event.body) is Wish.NONE], random)
    change = chosen(list(history.changes), random)
    if reply is None or change is None:
        return None
    event = change.event.model_copy(update={"cause_event_id": reply.event.event_id})
    return replace(history, changes=(*history.changes, replace(change, event=event)))


def forbid_another_list_in_the_topic(history: History, random: Random) -> History | None:
    record = chosen(list(history.suppressions), random)
    if record is None:
        return None
    event = record.event.model_copy(update={"scope": _OTHER_LIST, "state": "opted_out"})
    return replace(history, suppressions=(*history.suppressions, replace(record, offset=10_000, event=event)))


def hold_a_number_that_wrote_nothing(history: History, random: Random) -> History | None:
    """A held number may be messaged as little as one that opted out."""
    request = chosen(list(history.requests), random)
    if request is None:
        return None
    key = SuppressedScope(ACCOUNT, _OTHER_LIST, request.request.phone)
    return replace(history, states={**history.states, key: "held"})


def _sent(history: History, random: Random) -> DeliveryRecord | None:
    return chosen([r for r in history.deliveries if isinstance(r.event, MessageSent)], random)


def _fields(sent: DeliveryRecord) -> dict[str, object]:
    return sent.event.model_dump(exclude={"type", "carrier_message_id"})


def _with_outcome(history: History, sent: DeliveryRecord, event: MessageSuppressed | MessageFailed) -> History:
    other = DeliveryRecord(sent.created_at, event)
    return replace(history, deliveries=tuple(other if r == sent else r for r in history.deliveries))


def _may_be_about_several(record: ReplyRecord, history: History) -> bool:
    """Return whether the record is the phone's first STOP, and several scopes can be meant by it."""
    event = record.event
    stops = [r for r in history.replies if r.event.phone == event.phone and wish_of(r.event.body) in STOPS]
    if record != min(stops, key=lambda r: r.offset, default=None) or event.replied_message_id is not None:
        return False
    announced = [r.event for r in history.deliveries if isinstance(r.event, MessageDispatching)]
    lists = {e.list_id for e in announced if (e.phone, e.sender_number) == (event.phone, event.sender_number)}
    return wish_of(event.body) is Wish.STOP and len(lists) > 1


def call_before_its_time(history: History, random: Random) -> History | None:
    call = chosen(list(history.calls), random)
    if call is None:
        return None
    later = call.arrived_at + timedelta(seconds=1)
    requests = tuple(
        replace(each, request=each.request.model_copy(update={"send_at": later}))
        if each.request.message_id == call.message_id
        else each
        for each in history.requests
    )
    return replace(history, requests=requests)
