"""Single histories with a confirmation that the checker must accept, or must not."""

from dataclasses import replace

from checker.simulator import Simulator
from harness.checker import History, check


def rules(history: History) -> set[str]:
    return {violation.rule for violation in check(history)}


def confirming() -> Simulator:
    run = Simulator()
    run.confirms()
    return run


def test_a_stop_may_be_confirmed_once() -> None:
    run = confirming()
    run.send(0, 1)
    run.write(0, "STOP")
    run.confirm_last()
    assert len(run.calls) == 2
    assert check(run.history()) == []


def test_nothing_may_be_confirmed_to_who_had_left_before() -> None:
    run = confirming()
    run.send(0, 1)
    run.write(0, "STOP")
    run.pass_time(2000)
    run.write(0, "STOP")
    run.confirm(run.replies[-1].event, run.replies[-1].event.event_id, 1)
    assert {"not_a_confirmation", "sent_after_stop"} <= rules(run.history())


def test_nothing_may_be_confirmed_that_was_not_published_before() -> None:
    run = confirming()
    run.send(0, 1)
    run.write(0, "STOP")
    run.confirm_last()
    late = tuple(replace(each, created_at=run.now) for each in run.changes)
    assert rules(replace(run.history(), changes=late)) == {"not_a_confirmation", "sent_after_stop"}


def test_nothing_may_be_confirmed_to_who_has_come_back() -> None:
    run = confirming()
    run.send(0, 1)
    run.write(0, "STOP")
    stop = run.replies[-1].event
    run.pass_time(2000)
    run.write(0, "START")
    run.pass_time(5000)
    run.confirm(stop, stop.event_id, 1)
    assert rules(run.history()) == {"not_a_confirmation"}


def test_who_leaves_again_the_same_day_gets_no_second_one() -> None:
    run = confirming()
    run.send(0, 1)
    run.write(0, "STOP")
    run.confirm_last()
    run.pass_time(2000)
    run.write(0, "START")
    run.pass_time(2000)
    run.write(0, "STOP")
    run.confirm(run.replies[-1].event, run.replies[-1].event.event_id, 1)
    assert rules(run.history()) == {"confirmed_twice"}


def test_a_reply_that_does_not_ask_for_it_is_not_confirmed() -> None:
    run = confirming()
    run.send(0, 1)
    run.write(0, "wrong number")
    run.confirm(run.replies[-1].event, run.replies[-1].event.event_id, 1)
    assert rules(run.history()) == {"not_a_confirmation"}


def test_who_had_left_the_account_gets_none_for_a_list() -> None:
    run = confirming()
    message_id = run.send(0, 1)
    run.write(0, "STOP ALL", pointer=message_id)
    run.pass_time(2000)
    run.write(0, "STOP", pointer=message_id)
    run.confirm(run.replies[-1].event, run.replies[-1].event.event_id, 1)
    assert rules(run.history()) == {"not_a_confirmation", "sent_after_stop"}
