"""A contact that is deleted by hand while a clean-up takes it off stays deleted when the clean-up is undone."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest
from optout_api_world import Caller

from services.optout.jobs import store
from services.optout.jobs.clean_up import CleanUp
from services.optout.jobs.job_request import JobRequest
from services.optout.jobs.publish import RequestOfMany
from services.optout.jobs.store import NewJob
from shared.postgres import Connection, Pool

IN_NO_RANGE = "+12001234567"
WAITING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'UPDATE contacts')"


class Nobody:
    """A publisher that is not needed."""

    async def publish(self, requests: Sequence[JobRequest]) -> None:
        raise AssertionError(requests)

    async def publish_of_many(self, phones: Sequence[str], request_of: RequestOfMany) -> None:
        raise AssertionError(phones, request_of)


async def added(connection: Connection, acme: Caller, list_id: int) -> int:
    contact_id: int = await connection.fetchval(
        "INSERT INTO contacts (account_id, list_id, phone, fields) VALUES ($1, $2, $3, '{}') RETURNING contact_id",
        acme.account_id,
        list_id,
        IN_NO_RANGE,
    )
    return contact_id


@pytest.mark.parametrize(("part", "removed"), [("invalid", 1), ("duplicates", 0)])
async def test_who_is_deleted_by_hand_meanwhile_is_not_the_clean_ups(
    part: str, removed: int, acme: Caller, pool: Pool
) -> None:
    list_id, kind = await acme.new_list("Clean"), uuid4().hex
    async with pool.acquire() as by_hand, pool.acquire() as connection:
        _, second = await added(connection, acme, list_id), await added(connection, acme, list_id)
        await store.add(connection, NewJob(kind, acme.account_id, {"parts": [part], "fields": ["phone"]}, list_id))
        claimed = await store.claim(connection, [kind])
        assert claimed is not None
        async with by_hand.transaction():
            await by_hand.execute("UPDATE contacts SET removed_at = now() WHERE contact_id = $1", second)
            step = asyncio.create_task(CleanUp(pool, Nobody()).step(claimed[0]))
            async with asyncio.timeout(10):
                while not await connection.fetchval(WAITING):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)  # between two looks at the condition
        assert (await step).result == {part: removed}
        assert await connection.fetchval("SELECT removed_by FROM contacts WHERE contact_id = $1", second) is None
