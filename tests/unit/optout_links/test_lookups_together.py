"""Lookups that come at once are one query; each gets its own answer, and none is lost with another's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.optout.links import lookup
from services.optout.links.lookup import KnownLink, LinkTable
from shared.errors import TransientError


class SlowPool:
    """A pool whose queries end when the test says so; `queries` are the tokens of each."""

    def __init__(self) -> None:
        self.queries: list[list[str]] = []
        self.ends = asyncio.Event()
        self.error: Exception | None = None

    @asynccontextmanager
    async def acquire(self, timeout: float) -> AsyncIterator["SlowPool"]:  # noqa: ASYNC109 (asyncpg's name)
        assert timeout > 0
        yield self

    async def fetch(self, _: str, tokens: Sequence[str]) -> list[dict[str, Any]]:
        self.queries.append(list(tokens))
        await self.ends.wait()
        if self.error is not None:
            raise self.error
        nobody = {"phone": "+14155550100", "state": None, "scope": None}
        return [{"token": each, "name": f"of {each}", **nobody} for each in tokens if each != "no"]


@pytest.fixture
async def pool() -> SlowPool:
    return SlowPool()


def asked(table: LinkTable, *tokens: str) -> "list[asyncio.Task[KnownLink | None]]":
    return [asyncio.create_task(table.find(token)) for token in tokens]


async def test_what_is_asked_while_a_query_runs_is_one_query_after_it(pool: SlowPool) -> None:
    table = LinkTable(pool)  # type: ignore[arg-type]
    first = asked(table, "a")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = asked(table, "b", "no", "b")
    await asyncio.sleep(0)
    pool.ends.set()
    found = [await each for each in first + others]
    assert found == [KnownLink("of a"), KnownLink("of b"), None, KnownLink("of b")]
    assert pool.queries == [["a"], ["b", "no"]]


async def test_a_client_that_goes_away_takes_no_other_answer_with_it(pool: SlowPool) -> None:
    table = LinkTable(pool)  # type: ignore[arg-type]
    gone, stays = asked(table, "a", "a")
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    pool.ends.set()
    assert await stays == KnownLink("of a")


@pytest.mark.parametrize(("error", "raised"), [(OSError("away"), TransientError), (KeyError("a bug"), KeyError)])
async def test_an_error_is_the_answer_to_all_that_wait_and_the_next_are_asked_again(
    pool: SlowPool, error: Exception, raised: type[Exception]
) -> None:
    table = LinkTable(pool)  # type: ignore[arg-type]
    pool.ends.set()
    pool.error = error
    for found in await asyncio.gather(*asked(table, "a", "b"), return_exceptions=True):
        assert isinstance(found, raised)
    pool.error = None
    assert await table.find("a") == KnownLink("of a")


async def test_a_query_that_does_not_end_is_given_up(pool: SlowPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "LOOKUP_SECONDS", 0.05)
    table = LinkTable(pool)  # type: ignore[arg-type]
    with pytest.raises(TransientError):
        await table.find("a")
    pool.ends.set()
    assert await table.find("a") == KnownLink("of a")


async def test_there_is_a_limit_on_how_many_wait(pool: SlowPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "LOOKUPS_WAITING", 2)
    table = LinkTable(pool)  # type: ignore[arg-type]
    first = asked(table, "a")
    for _ in range(3):
        await asyncio.sleep(0)
    waiting = asked(table, "b", "c")
    await asyncio.sleep(0)
    with pytest.raises(TransientError, match="2 lookups wait"):
        await table.find("d")
    pool.ends.set()
    assert all(await asyncio.gather(*first, *waiting))
