"""Single histories that the checker must accept, or must not."""

from dataclasses import replace

import pytest

from checker.simulator import ACCOUNT, Simulator
from harness.checker import History, check
from harness.checker.history import DeliveryRecord, Place, RequestRecord
from shared.events.base import derived_id
from shared.events.delivery import MessageFailed, MessageSent


def _rules(history: History) -> set[str]:
    return {violation.rule for violation in check(history)}


def test_a_parked_request_needs_no_outcome() -> None:
    run = Simulator()
    run.send(0, 1)
    place = Place("outbound-messages", 3, 7)
    request = run.requests[0].request.model_copy(update={"message_id": "m-parked"})
    history = replace(run.history(), requests=(*run.requests, RequestRecord(place, request)))
    assert _rules(history) == {"no_outcome"}
    assert check(replace(history, parked=(place,))) == []


@pytest.mark.parametrize(("status", "rules"), [(422, set()), (200, {"failed_though_accepted"})])
def test_a_message_may_fail_only_if_the_carrier_refused_it(status: int, rules: set[str]) -> None:
    run = Simulator()
    run.send(0, 1)
    sent = next(record.event for record in run.deliveries if isinstance(record.event, MessageSent))
    fields = sent.model_dump(exclude={"type", "carrier_message_id"})
    failed = DeliveryRecord(run.now, MessageFailed(**fields, reason="refused"))
    others = [record for record in run.deliveries if record.event != sent]
    calls = tuple(replace(call, status=status) for call in run.calls)
    assert _rules(replace(run.history(), deliveries=(*others, failed), calls=calls)) == rules


def test_stop_all_is_about_the_account_and_no_list() -> None:
    run = Simulator()
    first = run.send(0, 1)
    run.write(0, "STOP ALL", pointer=first)
    run.send(0, 2)
    history = run.history()
    assert check(history) == []
    listed = [replace(c, event=c.event.model_copy(update={"scope": "list:1"})) for c in history.changes]
    assert {"wrong_scope", "change_missing"} <= _rules(replace(history, changes=tuple(listed)))


def test_a_stop_that_the_service_takes_for_nothing_is_found_and_so_is_what_is_sent_after_it() -> None:
    run = Simulator()
    first = run.send(0, 1)
    run.write(0, "STOP", pointer=first)
    stopped = run.history()
    run.forbidden.clear()
    run.send(0, 1)
    ignored = replace(run.history(), changes=(), suppressions=(), states={})
    assert check(stopped) == []
    assert _rules(ignored) == {"change_missing", "opt_out_lost", "sent_after_stop"}


def test_a_list_that_sent_only_after_the_decision_is_not_what_the_stop_was_about() -> None:
    run = Simulator()
    run.send(0, 2)
    run.write(0, "STOP")
    run.pass_time(1000)
    run.send(0, 3)
    history = run.history()
    assert check(history) == []
    change = history.changes[0]
    event = change.event.model_copy(update={"scope": "list:3", "event_id": derived_id(ACCOUNT, "late")})
    later = replace(change, created_at=history.read_at, event=event)
    assert "wrong_scope" in _rules(replace(history, changes=(change, later)))
