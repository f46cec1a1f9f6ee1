"""For which accounts messages wait, because something may have been written to us that did not reach us."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.events.reception import CatchUpCompleted, ReceptionConfirmed
from shared.reception.state import ReceptionLimits, ReceptionState

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
GAP, SETTLE, KNOWN, WAIT = 120, 30, 10, 3_600
ACCOUNT = "acme"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def heard(since: float, until: float, instance: str = "now") -> ReceptionConfirmed:
    return ReceptionConfirmed(instance_id=instance, since=at(since), confirmed_at=at(until))


def caught_up(to: float, gateway: str = "twilio", account_id: str = ACCOUNT) -> CatchUpCompleted:
    return CatchUpCompleted(account_id=account_id, gateway=gateway, complete_to=at(to), completed_at=at(to + 1))


BEFORE = heard(-9_000, 0, "before")
MUCH_LATER = 1_000_000


def state(*events: ReceptionConfirmed | CatchUpCompleted, read: float = MUCH_LATER) -> ReceptionState:
    found = ReceptionState(ReceptionLimits(*(timedelta(seconds=each) for each in (GAP, SETTLE, KNOWN, WAIT))))
    for event in events:
        found.apply(event, at(read))
    found.is_read = True
    return found


def standing(found: ReceptionState, now: float, account_id: str = ACCOUNT) -> str:
    return found.standing_of(account_id, at(now)).standing


def test_while_heartbeats_come_and_the_account_is_caught_up_with_nothing_waits() -> None:
    assert standing(state(BEFORE, caught_up(-8_000)), 100) == "caught_up"


def test_an_account_that_nobody_catches_up_with_never_waits() -> None:
    found = state(BEFORE, caught_up(-8_000))
    assert [standing(found, now, "another") for now in (0, 500, 99_999)] == ["caught_up"] * 3


def test_before_the_first_heartbeat_ever_nothing_waits() -> None:
    assert standing(state(caught_up(-8_000)), 0) == "caught_up"


def test_the_first_heartbeats_ever_say_nothing_of_downtime() -> None:
    assert standing(state(heard(500, 600), caught_up(0)), 610) == "caught_up"


def test_it_waits_from_when_the_heartbeats_stop() -> None:
    found = state(BEFORE, caught_up(-8_000))
    assert [standing(found, now) for now in (GAP, GAP + 1)] == ["caught_up", "waits"]
    assert "2026-11-29T12:00:00Z" in found.standing_of(ACCOUNT, at(GAP + 1)).reason


def test_what_the_poller_does_during_the_downtime_ends_nothing() -> None:
    assert standing(state(BEFORE, caught_up(500)), 510) == "waits"


@pytest.mark.parametrize(("to", "left"), [(400, "waits"), (500, "waits"), (529, "waits"), (530, "caught_up")])
def test_it_waits_until_a_round_has_ended_that_began_after_the_downtime(to: float, left: str) -> None:
    assert standing(state(BEFORE, heard(500, 600), caught_up(-8_000), caught_up(to)), 610) == left


def test_it_waits_for_each_of_its_gateways() -> None:
    found = state(BEFORE, heard(500, 600), caught_up(540), caught_up(0, "sinch"))
    assert standing(found, 610) == "waits"
    assert "sinch" in found.standing_of(ACCOUNT, at(610)).reason
    found.forget(ACCOUNT, "sinch")
    assert standing(found, 610) == "caught_up"


def test_a_round_counts_once_it_is_known_for_longer_than_a_decision_takes() -> None:
    found = state(BEFORE, heard(500, 600), caught_up(0))
    found.apply(caught_up(540), at(600))
    assert [standing(found, now) for now in (600, 609, 610)] == ["waits", "waits", "caught_up"]


def test_rounds_that_come_faster_than_they_count_count_all_the_same() -> None:
    found = state(BEFORE, heard(500, 640), caught_up(0))
    for second in range(600, 640):
        found.apply(caught_up(second), at(second))
    assert standing(found, 615) == "caught_up"


def test_while_instances_are_replaced_one_by_one_nothing_waits() -> None:
    found = state(heard(0, 500, "a"), heard(560, 700, "b"), heard(690, 900, "c"), caught_up(40))
    assert standing(found, 910) == "caught_up"


def test_an_account_that_is_caught_up_with_for_the_first_time_does_not_wait_for_that_to_count() -> None:
    found = state(BEFORE, heard(500, 600))
    found.apply(caught_up(540), at(600))
    assert standing(found, 600) == "caught_up"


def test_one_of_two_instances_is_enough() -> None:
    assert standing(state(heard(0, 100, "a"), heard(0, 900, "b"), caught_up(40)), 910) == "caught_up"


def test_all_instances_silent_at_once_is_downtime() -> None:
    assert standing(state(heard(0, 300, "a"), heard(0, 250, "b"), heard(421, 900, "c"), caught_up(40)), 910) == "waits"


def test_it_gives_up_after_a_time_and_says_so() -> None:
    found = state(BEFORE, caught_up(-8_000))
    assert [standing(found, GAP + WAIT + now) for now in (-1, 0)] == ["waits", "given_up"]
    found = state(BEFORE, heard(500, 9_999), caught_up(0))
    assert [standing(found, 500 + WAIT + now) for now in (-1, 0)] == ["waits", "given_up"]
    assert [each.standing for each in found.standings(at(500 + WAIT)).values()] == ["given_up"]


def test_what_was_there_before_the_process_started_counts_at_once() -> None:
    assert standing(state(BEFORE, heard(500, 600), caught_up(540), read=605), 605) == "caught_up"
    found = state(BEFORE, heard(500, 600), caught_up(0))
    found.apply(caught_up(540), at(605))
    assert standing(found, 605) == "waits"


def test_instances_that_ended_long_ago_are_forgotten() -> None:
    found = state(*(heard(n, n + 1, f"inbound-{n}") for n in range(2_000)), caught_up(1_999 + SETTLE))
    assert len(found._heard) == 1_000


def test_the_silence_of_an_instance_whose_clock_is_ahead_is_noticed_as_early_as_any() -> None:
    found = state(caught_up(-8_000))
    found.apply(heard(-9_000 + 1_800, 1_800), at(0))
    assert [standing(found, now) for now in (GAP, GAP + 1)] == ["caught_up", "waits"]


def test_a_round_of_a_process_whose_clock_is_ahead_does_not_count_for_what_came_after_it() -> None:
    found = state(heard(-9_000, 100, "before"), caught_up(0))
    found.apply(caught_up(200 + 1_800), at(201))
    found.apply(heard(500, 600), at(600))
    assert standing(found, 610) == "waits"
    found.apply(caught_up(530 + 1_800), at(531))
    assert standing(found, 610) == "caught_up"


def test_a_clock_that_was_ahead_once_does_not_decide_where_the_next_round_begins() -> None:
    found = state(caught_up(9_000), caught_up(100))
    assert found.complete_to(ACCOUNT, "twilio") == at(100)
