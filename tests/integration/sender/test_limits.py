"""Limits of numbers and recipients, judged by what the carrier saw: its own clock and its own count."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from sender_world import World, until

from services.sender.limits.number_use import burst_of
from shared.events.outbound import MessageRequested
from shared.postgres import Pool, connection_from

pytestmark = pytest.mark.timeout(120)

SENT = "message_sent"
SHORT_CODE, TOLL_FREE, PER_SECOND, PER_DAY = "28555", "+18335550123", 20, 5


@pytest.fixture(autouse=True)
async def _leaves_nothing_waiting(world: World, pool: Pool) -> AsyncIterator[None]:
    """Other tests look at the rows that are due next, in the same database."""
    yield
    async with connection_from(pool) as connection:
        await connection.execute("DELETE FROM waiting_messages WHERE account_id = $1", world.account_id)


async def _calls(world: World, number: str) -> list[dict[str, Any]]:
    return [call for call in await world.sandbox.calls(world.account_id) if call["from"] == number]


def _seconds(calls: list[dict[str, Any]]) -> list[float]:
    return sorted(datetime.fromisoformat(call["received_at"]).timestamp() for call in calls)


async def _has_called(world: World, number: str, count: int) -> bool:
    return len(await _calls(world, number)) >= count


async def test_a_number_sends_at_its_rate_and_others_do_not_wait_for_it(world: World) -> None:
    slow = [world.request(number, sender_number=SHORT_CODE) for number in range(70)]
    others = [world.request(200 + number) for number in range(30)]
    await world.kafka.produce(*slow)
    waits: list[float] = []
    for other in others:
        asked_at = asyncio.get_running_loop().time()
        await world.kafka.produce(other)
        await until("another number's message is sent", lambda other=other: world.kafka.published(other)[-1:] == [SENT])
        waits.append(asyncio.get_running_loop().time() - asked_at)
    await until("all are called", lambda: _has_called(world, SHORT_CODE, len(slow)), 30)
    at = _seconds(await _calls(world, SHORT_CODE))
    most = max(sum(1 for each in at if begin <= each < begin + 1) for begin in at)
    per_second = (len(at) - burst_of(PER_SECOND)) / (at[-1] - at[0])
    figures = f"{per_second:.1f} per second, {most} in one; others waited {max(waits):.2f} s at most"
    assert most <= PER_SECOND + burst_of(PER_SECOND) + 2, figures  # a call may be on its way for a moment
    assert per_second >= 0.8 * PER_SECOND, figures  # a loaded machine; docs/carriers.md has what an idle one makes
    assert sorted(waits)[-2] < 2, figures
    assert len({call["message_id"] for call in await _calls(world, SHORT_CODE)}) == len(slow), "each once"


async def test_two_senders_keep_a_days_cap_together_and_the_rest_waits_for_the_next_day(world: World) -> None:
    await world.second_sender.start()
    asked = [world.request(number, sender_number=TOLL_FREE) for number in range(40)]
    for some in (asked[begin : begin + 8] for begin in range(0, len(asked), 8)):
        await world.kafka.produce(*some)
    await until("all are decided", lambda: all(_ends(world, each) in {SENT, "message_waiting"} for each in asked))
    sent = [each for each in asked if _ends(world, each) == SENT]
    assert len(sent) == len(await _calls(world, TOLL_FREE)) == PER_DAY
    waiting = [world.kafka.event(each, "message_waiting") for each in asked if each not in sent]
    assert {(each.reason, each.until.hour, each.until.minute) for each in waiting} == {("sender_daily_cap", 0, 0)}


async def test_a_sender_that_dies_once_it_has_counted_lets_too_few_leave_and_never_too_many(world: World) -> None:
    asked = [world.request(number, sender_number=TOLL_FREE) for number in range(3)]
    more = [world.request(10 + number, sender_number=TOLL_FREE) for number in range(10)]
    await world.sender.stop()
    await world.sender.start(failpoint="sender.after_reserved=kill@1", wait=False)
    await world.kafka.produce(*asked)
    await until("it dies", lambda: not world.sender.process.alive)
    await world.sender.start()
    await world.kafka.produce(*more)
    everything = [*asked, *more]
    await until("all are decided", lambda: all(_ends(world, each) in {SENT, "message_waiting"} for each in everything))
    assert PER_DAY - len(asked) <= len(await _calls(world, TOLL_FREE)) <= PER_DAY


async def test_a_sender_that_dies_once_it_has_counted_counts_no_message_twice_for_its_recipient(world: World) -> None:
    await world.opt_out.account(world.account_id, frequency_cap={"messages": 2, "hours": 24, "policy": "reject"})
    asked = [world.request(number, phone="+14155550008") for number in range(3)]
    await world.sender.stop()
    await world.sender.start(failpoint="sender.after_reserved=kill@1", wait=False)
    await world.kafka.produce(*asked[:2])
    await until("it dies", lambda: not world.sender.process.alive)
    await world.sender.start()
    await until("both are sent", lambda: all(_ends(world, each) == SENT for each in asked[:2]))
    await world.kafka.produce(asked[2])
    await until("the third is rejected", lambda: _ends(world, asked[2]) == "message_rejected")


@pytest.mark.parametrize(("policy", "outcome"), [("wait", "message_waiting"), ("reject", "message_rejected")])
async def test_a_recipient_gets_no_more_than_the_accounts_cap(policy: str, outcome: str, world: World) -> None:
    cap = {"messages": 2, "hours": 24, "policy": policy, "exempts_conversational": True, "exempts_transactional": True}
    await world.opt_out.account(world.account_id, frequency_cap=cap)
    phone = "+14155550007"
    asked = [world.request(number, phone=phone) for number in range(6)]
    answer = world.request(7, phone=phone, conversational=True)
    code = world.request(8, phone=phone, purpose="transactional")
    elsewhere = world.request(9)
    for number, each in enumerate(asked):
        await world.kafka.produce(each, partition=number % 3)
    await until("all are decided", lambda: all(_ends(world, each) in {SENT, outcome} for each in asked))
    await world.kafka.produce(answer, code, elsewhere)
    await until("what is exempt leaves", lambda: all(_ends(world, each) == SENT for each in (answer, code, elsewhere)))
    sent = [each for each in asked if _ends(world, each) == SENT]
    assert len(sent) == 2
    kept_back = [world.kafka.event(each, outcome) for each in asked if each not in sent]
    assert {each.reason for each in kept_back} == {"frequency_cap"}
    if outcome == "message_waiting":
        first_sent = min(world.kafka.event(each, SENT).occurred_at for each in sent)
        assert all(23.9 * 3600 < (each.until - first_sent).total_seconds() < 24.1 * 3600 for each in kept_back)


async def test_what_waits_for_its_number_is_dropped_by_a_stop_meanwhile(world: World) -> None:
    asked = [world.request(number, sender_number=SHORT_CODE) for number in range(40)]
    await world.kafka.produce(*asked)
    await until("the last waits", lambda: _ends(world, asked[-1]) == "message_waiting")
    await world.opt_out.suppress(asked[-1], "account")
    await until("it is dropped", lambda: _ends(world, asked[-1]) == "message_suppressed", 20)
    at = _seconds(await _calls(world, SHORT_CODE))
    assert all(before <= after for before, after in pairwise(at))
    assert asked[-1].message_id not in {call["message_id"] for call in await _calls(world, SHORT_CODE)}


def _ends(world: World, asked: MessageRequested) -> str:
    return next(iter(world.kafka.published(asked)[-1:]), "")
