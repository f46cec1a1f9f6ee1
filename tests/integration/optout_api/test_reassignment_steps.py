"""The steps of an import of reassigned numbers on a real Postgres: its progress, its long statement, and its end."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from optout_api_world import Caller

from harness.postgres import PostgresServer
from services.optout.jobs import store
from services.optout.jobs.job import AccountJob
from services.optout.jobs.job_request import JobRequest
from services.optout.jobs.publish import RequestOfMany
from services.optout.jobs.reassignment import REASSIGNMENT, Reassignment
from shared.postgres import DatabaseAddress, Pool, open_pool

LEAVES, STAYS = "+14155550171", "+14155550172"
STATEMENT_SECONDS = 2.0
SUPPRESS = """
INSERT INTO suppressions (account_id, scope, phone, state, cause_event_id, changed_at, source)
VALUES ($1, 'account', $2, 'opted_out', $3, $4, 'reassigned')
"""
CHUNKS = "SELECT count(*) FROM job_chunks WHERE job_id = $1"


class Recorded:
    """A publisher that only counts."""

    def __init__(self) -> None:
        self.phones: list[str] = []

    async def publish(self, requests: Sequence[JobRequest]) -> None:
        self.phones += [each.phone.decode() for each in requests]

    async def publish_of_many(self, phones: Sequence[str], request_of: RequestOfMany) -> None:
        raise AssertionError(phones, request_of)


async def claimed(pool: Pool, job_id: str) -> AccountJob:
    async with pool.acquire() as connection:
        taken = await store.claim(connection, [REASSIGNMENT])
    assert taken is not None
    assert taken[0].job_id == UUID(job_id)
    return taken[0]


async def test_an_import_waits_for_a_long_removal_counts_its_numbers_and_leaves_no_lines(
    pool: Pool, postgres_of_api: PostgresServer, acme: Caller
) -> None:
    list_id = await acme.new_list("Winter", LEAVES, STAYS)
    rows = f"number,date,answer\n{STAYS[2:]},2024-05-31,no\n{LEAVES[2:]},2024-05-31,yes\n{STAYS[2:]},2024-05-31,no\n"
    answer = await acme.call("POST", "/v1/reassigned-numbers", content=rows, headers={"content-type": "text/csv"})
    job = await claimed(pool, answer.json()["job_id"])
    publisher = Recorded()
    address = DatabaseAddress(postgres_of_api.url("optout"), "the tests'", STATEMENT_SECONDS)
    impatient = await open_pool(address, 2)
    kind = Reassignment(impatient, publisher)
    while not job.place.get("is_published"):
        job = await kind.step(job)
    assert (publisher.phones, job.done, job.total) == ([LEAVES], 1, 1)

    async with pool.acquire() as other:
        await other.execute(SUPPRESS, acme.account_id, LEAVES, job.job_id, datetime.now(UTC))
        lock = other.transaction()
        await lock.start()
        await other.fetch("SELECT FROM contacts WHERE account_id = $1 FOR UPDATE", acme.account_id)
        removal = asyncio.create_task(kind.step(job))
        _, waits = await asyncio.wait([removal], timeout=STATEMENT_SECONDS * 1.2)
        assert waits, removal.exception()
        await lock.rollback()
        job = await removal
        job = await kind.step(job)
        assert (job.state, job.done, job.total, job.result["removed"]) == ("done", 1, 1, 1)
        assert await acme.statuses(list_id) == {STAYS: "active"}

        assert await other.fetchval(CHUNKS, job.job_id) == 1
        await store.save(other, job)
        await store.forget(other)
        assert await other.fetchval(CHUNKS, job.job_id) == 0
    await impatient.close()
