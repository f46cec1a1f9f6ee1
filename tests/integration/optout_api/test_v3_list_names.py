"""Names of lists by ClickSend's API, while somebody else takes them."""

import asyncio

from optout_api_world import Caller

from shared.postgres import Pool

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def test_a_name_that_another_request_takes_at_the_same_time_is_refused(acme: Caller, pool: Pool) -> None:
    answer = await acme.call("POST", "/v3/lists", json={"list_name": "Old"})
    renamed = answer.json()["data"]["list_id"]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("INSERT INTO contact_lists (account_id, name) VALUES ($1, 'New')", acme.account_id)
        taken = asyncio.create_task(acme.call("PUT", f"/v3/lists/{renamed}", json={"list_name": "New"}))
        while not await pool.fetchval(WAITING):  # noqa: ASYNC110 (Postgres knows)
            await asyncio.sleep(0)
    refused = await taken
    assert (refused.status_code, list(refused.json()["data"])) == (400, ["list_name"])
    assert (await acme.get(f"/v3/lists/{renamed}"))["data"]["list_name"] == "Old"
