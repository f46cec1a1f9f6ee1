"""Deadlines that share a timer end what takes too long, only that, and as `asyncio.timeout` does."""

import asyncio
import time

import pytest

from shared.deadlines import Deadlines


async def waits(deadlines: Deadlines, event: asyncio.Event) -> str:
    try:
        with deadlines.new():
            await event.wait()
    except TimeoutError:
        return "too long"
    return "in time"


async def until_idle(deadlines: Deadlines) -> None:
    async with asyncio.timeout(5):
        while deadlines._loop is not None:  # noqa: ASYNC110 (its timer is what is waited for)
            await asyncio.sleep(0.01)


async def test_what_takes_too_long_ends_and_what_is_in_time_goes_on() -> None:
    deadlines, event = Deadlines(0.2), asyncio.Event()
    late = [asyncio.create_task(waits(deadlines, asyncio.Event())) for _ in range(3)]
    early = [asyncio.create_task(waits(deadlines, event)) for _ in range(3)]
    await asyncio.sleep(0)
    event.set()
    started = time.monotonic()
    assert await asyncio.gather(*early, *late) == ["in time"] * 3 + ["too long"] * 3
    assert 0.1 < time.monotonic() - started < 2.0


async def test_a_wait_that_begins_after_a_quiet_time_ends_too() -> None:
    deadlines = Deadlines(0.01)
    for _ in range(3):
        assert await waits(deadlines, asyncio.Event()) == "too long"
        await until_idle(deadlines)


async def test_a_long_wait_does_not_delay_later_waits_that_are_finished() -> None:
    deadlines = Deadlines(0.1)
    first = asyncio.create_task(waits(deadlines, asyncio.Event()))
    await asyncio.sleep(0)
    through = asyncio.Event()
    through.set()
    for _ in range(100):
        assert await waits(deadlines, through) == "in time"
    assert await first == "too long"
    await until_idle(deadlines)
    assert not deadlines._running


async def test_an_error_inside_goes_through() -> None:
    with pytest.raises(ValueError, match="mine"), Deadlines(1.0).new():
        raise ValueError("mine")


async def test_another_cancellation_is_not_taken_for_the_deadline() -> None:
    task = asyncio.create_task(waits(Deadlines(10.0), asyncio.Event()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_task_goes_on_undisturbed_after_its_deadline() -> None:
    deadlines = Deadlines(0.01)
    assert await waits(deadlines, asyncio.Event()) == "too long"
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
