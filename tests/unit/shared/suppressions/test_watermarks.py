"""Who waits for a watermark goes on when it is reached, and not before."""

import asyncio

import pytest

from shared.errors import TransientError
from shared.suppressions.watermarks import Watermarks


async def waiting(watermarks: Watermarks, next_offset: int) -> "asyncio.Task[None]":
    task = asyncio.create_task(watermarks.wait_for(0, next_offset))
    await asyncio.sleep(0)
    return task


async def test_what_is_reached_already_is_not_waited_for() -> None:
    await Watermarks([5]).wait_for(0, 5)


async def test_one_waits_until_the_watermark_is_there_and_not_one_short_of_it() -> None:
    watermarks = Watermarks([0, 0])
    tasks = [await waiting(watermarks, next_offset) for next_offset in (7, 3, 5)]
    watermarks.advance(1, 100)
    watermarks.advance(0, 6)
    await asyncio.gather(tasks[1], tasks[2])
    assert not tasks[0].done()
    watermarks.advance(0, 7)
    await tasks[0]


async def test_a_replay_that_publishes_older_watermarks_again_is_believed() -> None:
    watermarks = Watermarks([100])
    watermarks.advance(0, 50)
    task = await waiting(watermarks, 100)
    assert not task.done()
    watermarks.advance(0, 100)
    await task


async def test_a_failure_ends_every_wait_with_an_error() -> None:
    watermarks = Watermarks([0])
    tasks = [await waiting(watermarks, next_offset) for next_offset in (1, 2)]
    watermarks.fail("the cache begins anew")
    for task in tasks:
        with pytest.raises(TransientError, match="anew"):
            await task


async def test_who_gives_up_leaves_nothing_in_place() -> None:
    watermarks = Watermarks([0])
    task = await waiting(watermarks, 9)
    task.cancel()
    await asyncio.wait([task])
    assert watermarks._waiting == [[]]
