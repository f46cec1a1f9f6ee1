"""Work beside a service: whatever ends it before its time ends the process, which would else seem to be well."""

import asyncio

from shared.background import in_background
from shared.errors import RestartNeededError


async def test_work_that_is_cancelled_from_within_ends_the_process() -> None:
    given_up: list[BaseException] = []
    has_ended = asyncio.Event()

    async def work() -> None:
        raise asyncio.CancelledError  # as aiokafka does, where a task of its own was cancelled

    def give_up(error: BaseException) -> None:
        given_up.append(error)
        has_ended.set()

    async with asyncio.timeout(5), in_background(work(), "the cache", give_up):
        await has_ended.wait()
    assert [str(error) for error in given_up] == ["the cache: something inside it was cancelled"]
    assert isinstance(given_up[0], RestartNeededError)


async def test_work_that_ends_with_its_service_is_not_an_error() -> None:
    given_up: list[BaseException] = []
    has_begun = asyncio.Event()

    async def work() -> None:
        has_begun.set()
        await asyncio.Event().wait()

    async with in_background(work(), "the cache", given_up.append):
        await has_begun.wait()
    assert given_up == []
