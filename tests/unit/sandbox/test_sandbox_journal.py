"""What is kept, what is forgotten, and waiting for what comes."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.calls import Call
from harness.sandbox.journal import Journal
from harness.sandbox.phones import Phones
from harness.sandbox.refusals import RequestRefusedError
from harness.sandbox.waiting import WaitingLimit


def call(phone: str, number: int) -> Call:
    return Call(f"C{number}", f"m{number}", "acme", phone, "+18335550123", "Hi", "", number, delivered=True)


@given(limit=st.integers(1, 5), count=st.integers(0, 12), after=st.integers(0, 15), page=st.integers(0, 5))
def test_a_journal_is_the_tail_of_everything_that_was_added(limit: int, count: int, after: int, page: int) -> None:
    journal: Journal[int] = Journal(limit)
    for entry in range(count):
        journal.add(entry)
    kept = list(range(count))[-limit:]
    assert journal.entries() == kept
    assert journal.entries(after, page) == [entry for entry in kept if entry >= after][:page]
    assert (journal.total, journal.forgotten) == (count, count - len(kept))


async def test_everybody_who_waits_is_woken_by_the_entry_that_is_enough() -> None:
    journal: Journal[str] = Journal(1)
    waiting = [asyncio.create_task(journal.wait(2, 60)) for _ in range(2)]
    await asyncio.sleep(0)  # both begin
    assert journal.waiting == 2
    journal.add("first")
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    journal.add("second")
    await asyncio.gather(*waiting)
    assert journal.waiting == 0


async def test_waiting_ends_with_the_time() -> None:
    journal: Journal[str] = Journal(1)
    await journal.wait(1, 0.01)
    assert journal.waiting == 0


@given(phones=st.lists(st.sampled_from("abc"), max_size=40), total=st.integers(1, 6), each=st.integers(1, 4))
def test_phones_keep_the_newest_messages_within_both_limits(phones: list[str], total: int, each: int) -> None:
    world = Phones(max_messages=total, max_messages_per_phone=each)
    for number, phone in enumerate(phones):
        world.deliver(call(phone, number))
    newest = {number for number in range(len(phones)) if number >= len(phones) - total}
    for phone in "abc":
        mine = [number for number, of in enumerate(phones) if of == phone]
        kept = [c.received_at for c in world.received(phone).entries()]
        assert kept == [number for number in mine if number in newest and number in mine[-each:]]


async def test_a_phone_that_is_waited_for_in_vain_is_not_kept() -> None:
    world = Phones(max_messages=1, max_messages_per_phone=1)
    await world.wait("a", 1, 0.01)
    assert world.overview(10) == {"phones": [], "count": 0}
    assert not world._inboxes


async def test_a_person_can_wait_across_a_clear() -> None:
    world = Phones(max_messages=9, max_messages_per_phone=9)
    world.deliver(call("a", 1))
    waiting = asyncio.create_task(world.wait("a", 2, 60))
    await asyncio.sleep(0)  # it begins
    assert world.received("a").waiting == 1
    world.clear()
    world.deliver(call("a", 2))
    world.deliver(call("a", 3))
    await waiting


def test_the_overview_begins_with_the_phone_that_received_last() -> None:
    world = Phones(max_messages=9, max_messages_per_phone=9)
    for number, phone in enumerate("aba"):
        world.deliver(call(phone, number))
    rows: list[dict[str, Any]] = world.overview(1)["phones"]
    assert [(row["phone"], row["messages"]) for row in rows] == [("a", 2)]
    assert rows[0]["last_received_at"] == "1970-01-01T00:00:00.000002Z"
    assert world.overview(1)["count"] == 2


def test_only_a_limited_number_of_requests_wait_at_one_time() -> None:
    limit = WaitingLimit(1)
    with limit.one_more(), pytest.raises(RequestRefusedError, match="1 requests wait"), limit.one_more():
        pass
    with limit.one_more():
        pass
