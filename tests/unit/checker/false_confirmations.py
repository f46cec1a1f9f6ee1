"""Faults planted into the confirmation of an opt-out: each is a message after a STOP that nothing allows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from checker.mutations import chosen, is_about
from harness.checker.history import CarrierCall, DeliveryRecord, History, RequestRecord
from shared.events.base import derived_id
from shared.events.delivery import MessageDispatching


def _confirmation(history: History, random: Random) -> tuple[RequestRecord, CarrierCall] | None:
    named = [each for each in history.requests if each.request.confirms_opt_out is not None]
    request = chosen(named, random)
    return request and (request, next(c for c in history.calls if c.message_id == request.request.message_id))


def _with(history: History, old: RequestRecord, **fields: object) -> History:
    new = replace(old, request=old.request.model_copy(update=fields))
    return replace(history, requests=tuple(new if each == old else each for each in history.requests))


def _shifted(history: History, call: CarrierCall, by: timedelta) -> History:
    """Return the history in which the call, with all that is published of it, was made at another time."""

    def moved(record: DeliveryRecord) -> DeliveryRecord:
        if not is_about(record, call):
            return record
        event = record.event
        if isinstance(event, MessageDispatching):
            event = event.model_copy(update={"decision_started_at": event.decision_started_at + by})
        return DeliveryRecord(record.created_at + by, event)

    calls = tuple(replace(c, arrived_at=c.arrived_at + by) if c == call else c for c in history.calls)
    return replace(history, deliveries=tuple(map(moved, history.deliveries)), calls=calls)


def _planted(
    fault: Callable[[History, RequestRecord, CarrierCall], History],
) -> Callable[[History, Random], History | None]:
    def plant(history: History, random: Random) -> History | None:
        found = _confirmation(history, random)
        return found and fault(history, *found)

    plant.__name__ = fault.__name__
    return plant


@_planted
def confirm_what_nobody_asked(history: History, request: RequestRecord, _call: CarrierCall) -> History:
    """A producer has named an event that nobody sent."""
    return _with(history, request, confirms_opt_out=derived_id("forged", "cause"))


@_planted
def confirm_without_a_setting(history: History, _request: RequestRecord, _call: CarrierCall) -> History:
    return replace(history, account_settings=())


@_planted
def confirm_by_another_accounts_setting(history: History, _request: RequestRecord, _call: CarrierCall) -> History:
    others = (replace(s, event=s.event.model_copy(update={"account_id": "other"})) for s in history.account_settings)
    return replace(history, account_settings=tuple(others))


@_planted
def confirm_by_another_countrys_text(history: History, _request: RequestRecord, _call: CarrierCall) -> History:
    def elsewhere(texts: tuple) -> tuple:
        return tuple(each.model_copy(update={"country": "CA"}) for each in texts)

    account_settings = (
        replace(s, event=s.event.model_copy(update={"opt_out_confirmations": elsewhere(s.event.opt_out_confirmations)}))
        for s in history.account_settings
    )
    return replace(history, account_settings=tuple(account_settings))


@_planted
def confirm_with_a_text_that_sells(history: History, request: RequestRecord, call: CarrierCall) -> History:
    text = f"{call.body} Come back for 20% off!"
    calls = tuple(replace(c, body=text) if c == call else c for c in history.calls)
    return _with(replace(history, calls=calls), request, body=text)


@_planted
def confirm_six_minutes_later(history: History, _request: RequestRecord, call: CarrierCall) -> History:
    return _shifted(history, call, timedelta(minutes=6))


@_planted
def confirm_before_the_stop(history: History, _request: RequestRecord, call: CarrierCall) -> History:
    return _shifted(history, call, timedelta(seconds=-1))


@_planted
def confirm_from_another_number(history: History, request: RequestRecord, call: CarrierCall) -> History:
    number = "+18335550999"
    calls = tuple(replace(c, sender_number=number) if c == call else c for c in history.calls)
    return _with(replace(history, calls=calls), request, sender_number=number)


@_planted
def confirm_what_the_carrier_took(history: History, request: RequestRecord, _call: CarrierCall) -> History:
    cause = request.request.confirms_opt_out
    replies = tuple(
        replace(r, event=r.event.model_copy(update={"taken_by_carrier": True}))
        if cause in (r.event.event_id, derived_id(r.event.event_id, "another"))
        else r
        for r in history.replies
    )
    return replace(history, replies=replies)


@_planted
def confirm_another_list(history: History, request: RequestRecord, _call: CarrierCall) -> History:
    return _with(history, request, list_id=99)


@_planted
def confirm_again(history: History, request: RequestRecord, call: CarrierCall) -> History:
    again = replace(request, request=request.request.model_copy(update={"message_id": "confirmation-2"}))
    announced = next(d for d in history.deliveries if is_about(d, call) and isinstance(d.event, MessageDispatching))
    second = replace(announced, event=announced.event.model_copy(update={"message_id": "confirmation-2"}))
    return replace(
        history,
        requests=(*history.requests, again),
        deliveries=(*history.deliveries, second),
        calls=(*history.calls, replace(call, message_id="confirmation-2")),
    )
