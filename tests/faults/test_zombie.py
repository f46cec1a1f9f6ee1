"""A process that lost its partitions without knowing it (a zombie) publishes nothing after its successor."""

from contextlib import suppress

import asyncpg
import httpx
import pytest

from faults.waiting import until
from faults.world import World, is_frozen

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize("place", ["optout.after_load", "optout.before_record_commit", "optout.after_record_commit"])
async def test_a_zombie_cannot_bring_back_who_opted_out_again(place: str, world: World) -> None:
    """It is frozen while it decides a START; its successor decides the START and another STOP; then it wakes up."""
    phone, list_id = world.shop.phones[0], world.shop.list_ids[0]
    await world.arrives(await world.send(phone, list_id))
    await world.reply(phone, "STOP")
    await until("the STOP is decided", lambda: world.is_state("opted_out", phone, list_id))
    zombie = world.service("optout")
    await zombie.stop()
    await zombie.start(failpoint=f"{place}=stop@1")
    await world.reply(phone, "START")
    await until("the opt-out service is frozen", lambda: is_frozen(zombie))
    async with world.successor():
        await until("the successor has decided the START", lambda: world.is_state("active", phone, list_id))
        await world.reply(phone, "STOP")
        await until("the successor has decided the STOP", lambda: world.is_state("opted_out", phone, list_id))
        await world.outcome(await world.send(phone, list_id), "message_suppressed")
        await zombie.resume()
        await zombie.wait_ready()
        for other in world.shop.phones:
            await world.arrives(await world.send(other, world.shop.list_ids[1]))
        await world.outcome(await world.send(phone, list_id), "message_suppressed")
        await world.settle()


async def test_a_zombie_under_load_breaks_no_guarantee(world: World) -> None:
    zombie = world.service("optout")
    async with world.load() as load:
        await load.flows()
        await zombie.pause()
        async with world.successor():
            await load.flows(timeout_seconds=60)
            await zombie.resume()
            await zombie.wait_ready()
            await load.flows(timeout_seconds=60)
        await load.flows(timeout_seconds=60)
    await world.settle()


async def test_a_zombie_that_sleeps_between_two_parts_of_a_statement_does_not_block_its_successor(world: World) -> None:
    """Postgres calls such a session active, so that no timeout of its own for idle transactions ends it."""
    url = world.stack.backend.optout_pipeline_url  # a session's state is shown to its own role only
    sleeper, onlooker = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        await sleeper.execute("BEGIN")
        await sleeper.execute("UPDATE partition_positions SET next_offset = next_offset")
        await sleeper.prepare("SELECT next_offset FROM partition_positions WHERE partition = $1")
        state = "SELECT state FROM pg_stat_activity WHERE pid = $1"
        assert await onlooker.fetchval(state, sleeper.get_server_pid()) == "active"
        optout = world.service("optout")
        await optout.stop()
        await optout.start(wait=False)
        await optout.wait_ready(20)
        assert await onlooker.fetchval(state, sleeper.get_server_pid()) is None
    finally:
        sleeper.terminate()
        onlooker.terminate()
    await world.arrives(await world.send(world.shop.phones[0], world.shop.list_ids[0]))
    await world.settle()


async def test_a_lock_that_is_not_a_predecessors_is_named_and_waited_for(world: World) -> None:
    backend, optout = world.stack.backend, world.service("optout")
    operator = await asyncpg.connect(backend.optout_database_url)

    async def is_named() -> bool:
        async with httpx.AsyncClient() as http:
            with suppress(httpx.HTTPError):
                answer = await http.get(f"{optout.url}/health/ready")
                return answer.status_code == 503 and f"locked by session {operator.get_server_pid()}" in answer.text
        return False

    try:
        await operator.execute("BEGIN")
        await operator.execute("UPDATE partition_positions SET next_offset = next_offset")
        await optout.stop()
        await optout.start(wait=False)
        await until("the service names the session", is_named)
    finally:
        operator.terminate()
    await optout.wait_ready(20)
    await world.arrives(await world.send(world.shop.phones[0], world.shop.list_ids[0]))
    await world.settle()
