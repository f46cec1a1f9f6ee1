"""The checker finds what is wrong in a history, and nothing where nothing is."""

from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from checker.planted import MUTATIONS
from checker.simulator import NUMBERS, Simulator
from harness.checker import History, check
from harness.checker.check import CHECKS
from harness.checker.violation import Guarantee


def _eventful() -> History:
    """A history with something in it for every fault."""
    run = Simulator()
    run.confirms()
    run.send(5, 1)
    first = run.send(0, 1)
    run.send(0, 2)
    run.write(0, "Stop.", pointer=first)
    run.repeat_last()
    run.pass_time(3500)
    run.send(0, 1)
    run.send(0, 2, crash="after call")
    run.send(1, 3, crash="before call")
    run.fail("kafka", 4)
    run.send(2, 1)
    run.write(2, "stop please")
    run.send(2, 1)
    run.pass_time(1000)
    run.write(2, "START")
    run.send(2, 1, reply="STOP")
    run.send(2, 1)
    run.write(3, "stop")
    run.send(3, 2)
    run.write(1, "hello")
    run.send(4, 2)
    run.send(4, 3)
    run.write(4, "stop")
    run.send(7, 1)
    run.write(7, "STOP")
    run.confirm_last()
    run.send(7, 1)
    run.send(6, 1)
    run.write(6, "STOP")
    run.pass_time(2000)
    run.write(6, "START")
    run.send(6, 1, throttled=2)
    return run.history()


def test_a_history_that_keeps_all_guarantees_has_no_violation() -> None:
    assert check(_eventful()) == []


def test_the_eventful_history_has_drops_sends_and_unknowns() -> None:
    history = _eventful()
    types = {record.event.type for record in history.deliveries}
    assert types == {"message_dispatching", "message_sent", "message_suppressed", "message_outcome_unknown"}


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.parametrize("seed", range(5))
def test_a_planted_fault_is_found_by_its_rule(name: str, seed: int) -> None:
    mutation = MUTATIONS[name]
    broken = mutation.plant(_eventful(), Random(seed))  # noqa: S311 (a choice among faults)
    assert broken is not None, "the eventful history must have something to break"
    found = {(violation.guarantee, violation.rule) for violation in check(broken)}
    assert mutation.found_by <= found, found


def test_every_check_has_a_planted_fault() -> None:
    """So the test above fails for each check that finds nothing."""
    checks = {(guarantee, check.__name__) for guarantee, checks in CHECKS.items() for check in checks}
    assert checks == {rule for mutation in MUTATIONS.values() for rule in mutation.found_by}


@pytest.mark.parametrize("guarantee", CHECKS)
def test_a_check_names_its_guarantee_and_says_what_it_proves(guarantee: Guarantee) -> None:
    docstrings = [check.__doc__ or "" for check in CHECKS[guarantee]]
    assert [text for text in docstrings if not text.startswith(f"{guarantee}: ")] == []


def test_a_message_decided_before_the_stop_was_acknowledged_may_arrive_after_it() -> None:
    run = Simulator()
    run.send(0, 1, reply="STOP")
    assert check(run.history()) == []


def test_a_stop_whose_acknowledgement_nobody_saw_blames_nobody() -> None:
    run = Simulator()
    first = run.send(0, 1)
    run.write(0, "STOP", pointer=first)
    history = run.history()
    unseen = History(
        replies=history.replies, requests=history.requests, deliveries=history.deliveries, calls=history.calls
    )
    assert {v.guarantee for v in check(unseen)} == {"G2"}  # undecided and without effect, but no G1


persons = st.integers(0, 4)
lists = st.sampled_from(sorted(NUMBERS))
steps = st.one_of(
    st.tuples(st.just("send"), persons, lists, st.sampled_from(["", "", "before call", "after call"])),
    st.tuples(st.just("send and reply"), persons, lists, st.sampled_from(["STOP", "START", "hello"])),
    st.tuples(
        st.just("answer"),
        persons,
        st.integers(0, 50),
        st.sampled_from(["STOP", "stop it", "STOP ALL", "START", "why?"]),
    ),
    st.tuples(st.just("write"), persons, lists, st.sampled_from(["STOP", "stop all", "START", "hello"])),
    st.tuples(st.just("repeat")),
    st.tuples(st.just("confirm")),
    st.tuples(st.just("fail"), st.sampled_from(["kafka", "postgres", "optout"]), st.integers(1, 5)),
    st.tuples(st.just("wait"), st.integers(0, 4000)),
)


def confirming() -> Simulator:
    run = Simulator()
    run.confirms()
    return run


def played(script: list[tuple], run: Simulator) -> History:  # noqa: C901 (a step a case)
    for name, *args in script:
        match name:
            case "send":
                run.send(args[0], args[1], crash=args[2])
            case "send and reply":
                run.send(args[0], args[1], reply=args[2])
            case "answer":
                heard = [c.message_id for c in run.calls if c.phone.endswith(str(args[0]))]
                if heard:
                    run.write(args[0], args[2], pointer=heard[args[1] % len(heard)])
            case "write":
                run.write(args[0], args[2], number=NUMBERS[args[1]])
            case "confirm":
                run.confirm_last()
            case "repeat":
                run.repeat_last()
            case "fail":
                run.fail(args[0], args[1])
            case "wait":
                run.pass_time(args[0])
    return run.history()


@given(st.lists(steps, max_size=30))
def test_no_legal_history_has_a_violation(script: list[tuple]) -> None:
    assert check(played(script, confirming())) == []


@given(st.lists(steps, min_size=3, max_size=20), st.sampled_from(sorted(MUTATIONS)), st.randoms(use_true_random=False))
def test_any_single_fault_in_any_legal_history_is_found(script: list[tuple], name: str, random: Random) -> None:
    broken = MUTATIONS[name].plant(played(script, confirming()), random)
    assume(broken is not None)
    found = {(violation.guarantee, violation.rule) for violation in check(broken)}
    assert MUTATIONS[name].found_by <= found, found
