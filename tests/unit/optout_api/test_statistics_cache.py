"""The figures of an account: read once for everybody who asks, and more rarely where reading them is dear."""

import asyncio
from typing import Any

import pytest

from services.optout.api.statistics_cache import KEPT_SECONDS, StatisticsCache


class Counted(StatisticsCache):
    """A cache that counts its reads, each of which takes some seconds, or fails."""

    def __init__(self, takes: float = 0.0, *, fails: bool = False) -> None:
        super().__init__(None, lambda: self.now)  # type: ignore[arg-type]
        self.now = 0.0
        self.reads = 0
        self._takes = takes
        self._fails = fails

    async def _read(self, account_id: str) -> dict[str, Any]:
        self.reads += 1
        await asyncio.sleep(0)
        self.now += self._takes
        if self._fails:
            raise TimeoutError
        return {"of": account_id}


async def test_many_who_ask_at_once_cost_one_reading() -> None:
    cache = Counted()
    found = await asyncio.gather(*(cache.find("acme") for _ in range(100)))
    assert (cache.reads, found[0]) == (1, {"of": "acme"})
    cache.now += KEPT_SECONDS + 1
    await cache.find("acme")
    assert cache.reads == 2


async def test_what_takes_long_to_count_is_counted_more_rarely() -> None:
    cache = Counted(takes=5.0)
    for _ in range(100):
        await cache.find("acme")
        cache.now += 1
    assert cache.reads == 1


async def test_a_database_that_does_not_answer_is_not_asked_again_at_once() -> None:
    cache = Counted(takes=10.0, fails=True)
    for _ in range(40):
        with pytest.raises(TimeoutError):
            await cache.find("acme")
        cache.now += 1
    assert cache.reads == 1


async def test_after_a_short_error_the_figures_are_there_again_at_once() -> None:
    cache = Counted(fails=True)
    with pytest.raises(TimeoutError):
        await cache.find("acme")
    cache._fails = False
    cache.now += 2
    assert await cache.find("acme") == {"of": "acme"}
