"""Events with ticks: nobody who waits for them is held up, and whoever is slow gets the newest."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from services.dashboard.ticks import newest_with_ticks


async def numbers(*gates: asyncio.Event) -> AsyncGenerator[int, None]:
    for number, gate in enumerate(gates):
        await gate.wait()
        yield number


async def test_events_come_as_they_are_newest_with_ticks_between_them_and_end_with_their_source() -> None:
    gate = asyncio.Event()
    found: list[int | None] = []
    async for each in newest_with_ticks(numbers(gate), asyncio.Event(), 0.001):
        found.append(each)
        if found == [None, None]:
            gate.set()
    assert found == [None, None, 0]


async def test_whoever_has_to_stop_does_so_at_once() -> None:
    stopping = asyncio.Event()
    async with asyncio.timeout(5):
        async for _ in newest_with_ticks(numbers(asyncio.Event()), stopping, 0.001):
            stopping.set()


async def test_an_error_of_the_source_is_not_swallowed() -> None:
    async def broken() -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("broken")

    found = newest_with_ticks(broken(), asyncio.Event(), 1)
    assert await anext(found) == 1
    with pytest.raises(ValueError, match="broken"):
        await anext(found)


async def test_whoever_is_slow_is_given_the_newest_and_not_what_came_before() -> None:
    all_came = asyncio.Event()

    async def many() -> AsyncGenerator[int, None]:
        for number in range(100):
            yield number
        all_came.set()

    found = []
    async for each in newest_with_ticks(many(), asyncio.Event(), 60):
        found.append(each)
        await all_came.wait()
    assert found == [99]
