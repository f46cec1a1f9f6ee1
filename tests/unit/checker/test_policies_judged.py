"""A STOP that a policy lets reach further than its list: the checker demands that it does, and lets no other do so."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.simulator import START_OF_TIME, Simulator
from checker.test_checker import played, steps
from harness.checker import History, check
from harness.checker.reach import AccountPolicies, GeneralPolicy, SavedPolicy, possible_reaches
from shared.events.inbound import MessageReceived

LONG_AGO = START_OF_TIME - timedelta(days=9)
TOMORROW = START_OF_TIME + timedelta(days=1)
US = GeneralPolicy("us.1", frozenset({"US"}), "account", LONG_AGO)


def own(number: int, reach: str, country: str = "*", at: datetime = LONG_AGO, **more: object) -> SavedPolicy:
    return SavedPolicy(number, country, reach, at, at, **more)  # type: ignore[arg-type]


def simulator(reach: str) -> Simulator:
    return Simulator(policies=AccountPolicies((own(1, reach),)), reach=reach)


def rules(history: History) -> set[str]:
    return {violation.rule for violation in check(history)}


def stopped(reach: str) -> Simulator:
    run = simulator(reach)
    first = run.send(0, 1)
    run.write(0, "STOP", pointer=first)
    run.send(0, 2)
    return run


@pytest.mark.parametrize("reach", ["list", "sender", "account"])
@given(st.lists(steps, max_size=30))
def test_no_history_that_goes_by_the_policy_has_a_violation(reach: str, script: list[tuple]) -> None:
    assert check(played(script, simulator(reach))) == []


def test_a_stop_that_reaches_the_account_may_not_be_taken_for_one_of_a_list() -> None:
    taken_for_less = replace(stopped("list").history(), policies=AccountPolicies((own(1, "account"),)))
    assert rules(taken_for_less) == {"change_missing", "opt_out_lost", "sent_after_stop"}


@pytest.mark.parametrize("reach", ["sender", "account"])
def test_a_stop_may_not_reach_further_than_the_policy(reach: str) -> None:
    history = replace(stopped(reach).history(), policies=AccountPolicies())
    assert {"wrong_scope", "forbidden_without_wish"} <= rules(history)


def test_a_start_to_one_list_does_not_lift_what_another_list_stopped() -> None:
    run = simulator("account")
    first, second = run.send(0, 2), run.send(0, 3)
    run.write(0, "STOP", pointer=first)
    run.write(0, "STOP", pointer=second)
    run.pass_time(2000)
    run.write(0, "START", pointer=second)
    run.send(0, 3)
    assert check(run.history()) == []
    assert [record.event.type for record in run.deliveries][-1] == "message_suppressed"


def reply(phone: str, at: datetime = START_OF_TIME) -> MessageReceived:
    return MessageReceived(
        event_id=UUID(int=1), occurred_at=at, account_id="acme", gateway="clicksend", phone=phone,
        sender_number="+18335550101", body="STOP",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policies", "phone", "reach"),
    [
        (AccountPolicies(), "+12125550100", "list"),
        (AccountPolicies(general=(US,)), "+12125550100", "account"),
        (AccountPolicies(general=(US,)), "+16045550100", "list"),  # Canada
        (AccountPolicies(general=(US,)), "+447700900123", "list"),
        (AccountPolicies((own(1, "list", "US"),), (US,)), "+12125550100", "account"),  # never less than the shipped one
        (
            AccountPolicies((own(1, "list", "US", postpones="us.1", postponed_until=TOMORROW),), (US,)),
            "+12125550100",
            "list",
        ),
        (
            AccountPolicies((own(1, "list", "US", postpones="us.1", postponed_until=START_OF_TIME),), (US,)),
            "+12125550100",
            "account",
        ),
        (AccountPolicies((own(1, "account", "US"), own(2, "sender", "*"))), "+12125550100", "account"),
        (AccountPolicies((own(1, "account", "US"), own(2, "sender", "US"))), "+12125550100", "sender"),
        (AccountPolicies((own(1, "account", at=START_OF_TIME + timedelta(seconds=1)),)), "+12125550100", "list"),
    ],
)
def test_the_reach_is_that_of_the_newest_policy_for_the_phones_country(
    policies: AccountPolicies, phone: str, reach: str
) -> None:
    assert possible_reaches(policies, reply(phone), START_OF_TIME + timedelta(minutes=1)) == {reach}


def test_a_policy_that_is_saved_while_a_reply_is_decided_may_count_for_it_or_not() -> None:
    saved_at, decided_at = (START_OF_TIME + timedelta(seconds=each) for each in (2, 3))
    policies = AccountPolicies((SavedPolicy(1, "*", "account", LONG_AGO, saved_at),))
    written = reply("+12125550100")
    assert possible_reaches(policies, written, START_OF_TIME + timedelta(seconds=1)) == {"list"}
    assert possible_reaches(policies, written, decided_at) == {"list", "account"}
