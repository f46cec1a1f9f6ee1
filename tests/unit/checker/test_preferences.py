"""The checker's own model of STOP and START: what each changes, and which counts where their order is in doubt."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from checker.simulator import START_OF_TIME
from harness.checker.preferences import (
    ForbiddenScopes,
    StopInForce,
    Wish,
    after_start,
    after_stop,
    scopes_of_start,
    wish_of,
)
from shared.events.inbound import MessageReceived

NUMBER, OTHER_NUMBER = "+18335550101", "+18335550102"
ARRIVED = 10.0


def at(second: float) -> datetime:
    return START_OF_TIME + timedelta(seconds=second)


def reply(sent_at: float | None, *, number: str = NUMBER) -> MessageReceived:
    return MessageReceived(
        event_id=UUID(int=1),
        occurred_at=at(ARRIVED),
        account_id="acme",
        gateway="clicksend",
        phone="+14155550100",
        sender_number=number,
        body="",
        sent_at=None if sent_at is None else at(sent_at),
    )


def stopped(sent_at: float | None, *scopes: str) -> ForbiddenScopes:
    return after_stop({}, reply(sent_at), frozenset(scopes or ("list:1",)))


@pytest.mark.parametrize(
    ("body", "wish"),
    [
        ("Stop.", Wish.STOP),
        ("stop please", Wish.STOP),
        ("STOP ALL", Wish.STOP_ALL),
        ("stop everything", Wish.STOP_ALL),
        ("start", Wish.START),
        ("UNSTOP!", Wish.START),
        ("start now", Wish.NONE),
        ("please stop", Wish.NONE),
        ("", Wish.NONE),
    ],
)
def test_a_text_asks_for_what_the_first_rules_of_an_account_say(body: str, wish: Wish) -> None:
    assert wish_of(body) is wish


@pytest.mark.parametrize(
    ("stop", "start", "counts"),
    [
        (5, 6, True),
        (5, 5, False),  # within one whole second the order is not known
        (5, 5.999, False),
        (5.5, 5.6, True),
        (5, None, False),
        (None, ARRIVED + 1, True),
        (None, ARRIVED, False),
        (None, None, True),  # the order of arrival
    ],
)
def test_a_start_counts_only_if_it_was_certainly_written_after_the_stop(
    stop: float | None, start: float | None, *, counts: bool
) -> None:
    assert scopes_of_start(stopped(stop), reply(start), None) == ({"list:1"} if counts else set())


def test_a_start_ends_what_was_stopped_at_its_number_and_nothing_else() -> None:
    assert scopes_of_start(stopped(5), reply(9, number=OTHER_NUMBER), None) == set()


def test_a_start_in_answer_to_a_message_is_about_its_list_and_the_account() -> None:
    before = stopped(5, "list:1", "list:2", "account")
    assert scopes_of_start(before, reply(9), "list:1") == {"list:1", "account"}
    assert scopes_of_start(before, reply(9), "list:9") == scopes_of_start(before, reply(9), None) == before.keys()


def test_a_start_leaves_other_scopes_forbidden() -> None:
    assert after_start(stopped(5, "list:1", "list:2"), frozenset({"list:1"})).keys() == {"list:2"}


def test_of_two_stops_the_one_written_later_is_in_force_whatever_order_they_came_in() -> None:
    older, newer = reply(5), reply(7, number=OTHER_NUMBER)
    in_force = {"list:1": StopInForce(OTHER_NUMBER, at(7), cause=UUID(int=1))}
    scopes = frozenset({"list:1"})
    assert after_stop(after_stop({}, older, scopes), newer, scopes) == in_force
    assert after_stop(after_stop({}, newer, scopes), older, scopes) == in_force


def test_a_stop_without_a_time_keeps_the_time_of_the_one_before() -> None:
    again = after_stop(stopped(5), reply(None), frozenset({"list:1"}))
    assert again == {"list:1": StopInForce(NUMBER, at(5), at(ARRIVED), UUID(int=1))}
