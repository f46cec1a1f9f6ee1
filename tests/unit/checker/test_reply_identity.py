"""Two replies may share one id; each is judged as a reply of its own, and a repetition of it changes nothing."""

from dataclasses import replace

import pytest

from checker.simulator import Simulator
from harness.checker import History, check
from harness.checker.acknowledged import acknowledged_by


def _two_under_one_id(*, repeated: bool = False) -> History:
    run = Simulator()
    first = run.send(0, 1)
    run.write(0, "hello")
    run.write(0, "STOP", pointer=first, under_the_last_id=True)
    if repeated:
        run.repeat_last()
    run.send(0, 1)
    return run.history()


def _rules(history: History) -> set[str]:
    return {violation.rule for violation in check(history)}


@pytest.mark.parametrize("repeated", [False, True])
def test_a_reply_under_the_id_of_another_is_decided_once_and_has_its_effect(*, repeated: bool) -> None:
    history = _two_under_one_id(repeated=repeated)
    assert len({record.event.event_id for record in history.replies}) == 1
    assert check(history) == []


def test_a_reply_under_the_id_of_another_that_is_not_decided_is_found() -> None:
    history = _two_under_one_id()
    assert "not_decided" in _rules(replace(history, entries=history.entries[:1]))


def test_a_stop_under_the_id_of_another_reply_that_changes_nothing_is_found() -> None:
    history = _two_under_one_id()
    assert "change_missing" in _rules(replace(history, changes=()))


def test_an_answer_to_one_of_two_replies_under_one_id_acknowledges_neither() -> None:
    history = _two_under_one_id()
    only_answers = replace(history, changes=(), suppressions=())
    assert acknowledged_by(only_answers) == {}


def test_what_followed_from_a_reply_acknowledges_those_before_it_in_the_partition() -> None:
    run = Simulator()
    run.write(0, "STOP")
    run.write(1, "hello")
    history = run.history()
    answered_at = history.accepted[1].answered_at
    only_the_later = replace(history, accepted=history.accepted[1:], changes=(), suppressions=())
    assert acknowledged_by(only_the_later) == {record.event.event_id: answered_at for record in history.replies}
