"""The pages of links as a process: what is confirmed there is decided, whatever is unavailable meanwhile."""

import time
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
import pytest_asyncio
from linked_message import LIST, LinkedMessage
from optout_world import OptOutWorld

from harness.stack.service import Service

ANSWER_SECONDS = 2.0
ALLOWANCE_SECONDS = 1.0
"""For a machine that does other things."""


@pytest_asyncio.fixture(loop_scope="session")
async def http(links: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=links.url, timeout=10) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def message(world: OptOutWorld) -> LinkedMessage:
    await world.service.start()
    message = LinkedMessage(world)
    await message.leaves()
    await world.fence()
    return message


async def test_a_button_opts_out_once_however_often_it_is_pressed_and_the_undo_comes_back(
    http: httpx.AsyncClient, message: LinkedMessage
) -> None:
    path, world = f"/{message.token}", message.world
    opened = await http.get(path)
    assert (opened.status_code, "Stop messages from" in opened.text) == (200, True)
    for _ in range(2):
        assert (await http.post(path, data={"choice": "list"})).status_code == 200
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_out"}
    assert await message.entries() == ["opt_out"]
    again = await http.get(path)
    assert "Done:" in again.text
    assert 'value="undo"' in again.text
    assert (await http.post(path, data={"choice": "undo"})).status_code == 200
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_in"}
    assert "Stop messages from" in (await http.get(path)).text


async def test_while_postgres_is_frozen_the_page_opens_and_its_button_counts(
    http: httpx.AsyncClient, message: LinkedMessage
) -> None:
    path, world = f"/{message.token}", message.world
    await world.backend.pause_postgres()
    try:
        began = time.monotonic()
        assert "this sender" in (await http.get(path)).text
        assert (await http.post(path, data={"choice": "all"})).status_code == 200
        assert time.monotonic() - began < 2 * ANSWER_SECONDS + ALLOWANCE_SECONDS
        assert (await http.get("/health/ready")).status_code == 200
    finally:
        await world.backend.resume_postgres()
    await world.fence()
    assert world.suppressions() == {"account": "opted_out"}


async def test_while_kafka_is_frozen_nothing_is_confirmed_and_the_answer_comes_in_time(
    http: httpx.AsyncClient, message: LinkedMessage
) -> None:
    await message.world.backend.pause_kafka()
    try:
        began = time.monotonic()
        refused = await http.post(f"/{message.token}", data={"choice": "list"})
        assert time.monotonic() - began < ANSWER_SECONDS + ALLOWANCE_SECONDS
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
    finally:
        await message.world.backend.resume_kafka()
    assert (await http.post(f"/{message.token}", data={"choice": "list"})).status_code in (200, 503)


@pytest.mark.parametrize(
    "statement", ["SELECT phone FROM contacts", "SELECT country FROM accounts", "DELETE FROM opt_out_links"]
)
async def test_the_role_of_the_pages_sees_and_changes_nothing_else(world: OptOutWorld, statement: str) -> None:
    connection = await asyncpg.connect(world.backend.optout_links_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()
