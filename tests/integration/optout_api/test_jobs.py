"""Jobs: in steps, one after the other also across processes, cancelled between two of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from optout_api_world import Caller

from services.optout.jobs import store
from services.optout.jobs.job import AccountJob, JobFailedError
from services.optout.jobs.run import Jobs
from services.optout.jobs.store import LeaseLostError, NewJob
from shared.errors import TransientError
from shared.postgres import Pool


@dataclass
class Counting:
    """A kind of job that counts to its total, and does something at each step."""

    at_step: Callable[[int], Any] = lambda _: None
    name: str = field(default_factory=lambda: f"counting-{uuid4().hex[:6]}")
    seen: list[int] = field(default_factory=list)

    async def step(self, job: AccountJob) -> AccountJob:
        number = job.place.get("number", 0)
        self.seen.append(number)
        await asyncio.to_thread(self.at_step, number)
        if number == job.total:
            return job.finished({"counted": number})
        return job.moved({"number": number + 1}, done=number + 1)


def refuse(error: Exception) -> Callable[[int], None]:
    def raise_it(number: int) -> None:
        if number == 2:
            raise error

    return raise_it


@pytest.fixture
def add(pool: Pool, acme: Caller) -> Callable[..., Any]:
    async def add_job(kind: Counting, **options: Any) -> UUID | None:
        async with pool.acquire() as connection:
            return await store.add(connection, NewJob(kind.name, acme.account_id, {}, total=4, **options))

    return add_job


@asynccontextmanager
async def working(pool: Pool, kind: Counting) -> AsyncIterator[Jobs]:
    jobs = Jobs(pool, [kind])
    task = asyncio.create_task(jobs.run())
    yield jobs
    task.cancel()
    await asyncio.wait([task])


async def test_a_job_is_done_in_steps_and_shows_its_progress(pool: Pool, acme: Caller, add: Any, other: Caller) -> None:
    kind = Counting()
    job_id = await add(kind)
    waiting = await acme.get(f"/v1/jobs/{job_id}")
    assert (waiting["state"], waiting["progress"]) == ("waiting", {"done": 0, "total": 4})
    async with working(pool, kind):
        job = await acme.ended(job_id)
    assert (job["state"], job["result"], job["progress"]) == ("done", {"counted": 4}, {"done": 4, "total": 4})
    assert kind.seen == [0, 1, 2, 3, 4]
    assert [each["job_id"] for each in (await acme.get("/v1/jobs"))["jobs"]] == [str(job_id)]
    assert (await other.call("GET", f"/v1/jobs/{job_id}")).status_code == 404
    assert (await other.call("POST", f"/v1/jobs/{job_id}/cancel")).status_code == 404


async def test_the_job_of_a_process_that_died_goes_on_elsewhere_from_its_last_step(
    pool: Pool, acme: Caller, add: Any
) -> None:
    kind = Counting()
    job_id = await add(kind)
    async with pool.acquire() as connection:
        claimed = await store.claim(connection, [kind.name])
        assert claimed is not None
        dead, _ = claimed
        dead = dead.moved({"number": 3}, done=3)
        await store.save(connection, dead)
        assert await store.claim(connection, [kind.name]) is None  # while its lease lasts
        await connection.execute("UPDATE jobs SET claimable_at = now() WHERE job_id = $1", job_id)
        claimed = await store.claim(connection, [kind.name])
        assert claimed is not None
        with pytest.raises(LeaseLostError):  # it was not dead, only slow
            await store.save(connection, dead.moved({"number": 0}, done=0))
        assert not await store.keep(connection, dead)
        await store.release(connection, claimed[0], 0.0, made_steps=False)
        async with working(pool, kind):
            assert (await acme.ended(job_id))["state"] == "done"
        assert kind.seen == [3, 4]


async def test_who_looks_for_a_job_neither_waits_for_one_that_another_is_taking_nor_takes_it(
    pool: Pool, add: Callable[..., Any]
) -> None:
    kind = Counting()
    added = {await add(kind), await add(kind)}
    async with pool.acquire() as one, pool.acquire() as another, asyncio.timeout(10):
        async with one.transaction():
            first = await store.claim(one, [kind.name])
            second = await store.claim(another, [kind.name])
            assert await store.claim(another, [kind.name]) is None
        assert first is not None
        assert second is not None
        assert {first[0].job_id, second[0].job_id} == added


async def test_a_job_is_cancelled_between_two_steps_or_at_once_where_nobody_works_on_it(
    pool: Pool, acme: Caller, add: Any
) -> None:
    waiting = await add(Counting())
    cancelled = await acme.call("POST", f"/v1/jobs/{waiting}/cancel")
    assert (cancelled.json()["state"], cancelled.status_code) == ("cancelled", 200)
    loop = asyncio.get_running_loop()

    def cancel_at_two(number: int) -> None:
        if number == 2:
            asyncio.run_coroutine_threadsafe(acme.call("POST", f"/v1/jobs/{job_id}/cancel"), loop).result()

    kind = Counting(cancel_at_two)
    job_id = await add(kind)
    async with working(pool, kind):
        job = await acme.ended(job_id)
    assert (job["state"], job["progress"]["done"], kind.seen) == ("cancelled", 3, [0, 1, 2])
    assert (await acme.call("POST", f"/v1/jobs/{job_id}/cancel")).json() == job


async def test_of_jobs_with_one_key_one_is_active(pool: Pool, acme: Caller, add: Any) -> None:
    kind = Counting()
    key = uuid4().hex
    first = await add(kind, exclusive_key=key)
    assert await add(kind, exclusive_key=key) is None
    async with working(pool, kind):
        await acme.ended(first)
    assert await add(kind, exclusive_key=key) is not None


async def test_an_account_has_a_limited_number_of_active_jobs(add: Any) -> None:
    kind = Counting()
    for _ in range(store.MAX_ACTIVE):
        await add(kind)
    with pytest.raises(store.TooManyJobsError):
        await add(kind)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (JobFailedError("row 7 is odd"), "row 7 is odd"),
        (ZeroDivisionError("secret"), "an error of ours; the operator's log has it"),
    ],
)
async def test_a_job_that_fails_says_why(pool: Pool, acme: Caller, add: Any, error: Exception, shown: str) -> None:
    kind = Counting(refuse(error))
    job_id = await add(kind)
    async with working(pool, kind):
        job = await acme.ended(job_id)
    assert (job["state"], job["error"], job["progress"]["done"]) == ("failed", shown, 2)


async def test_a_step_waits_for_a_server_as_long_as_it_takes(
    pool: Pool, acme: Caller, add: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.optout.jobs.run._RETRY_SECONDS", 0.001)
    refused = [TransientError("Kafka is unavailable")] * (3 * store.MAX_CLAIMS_WITHOUT_STEP)

    def refuse_for_a_while(number: int) -> None:
        if number == 2 and refused:
            raise refused.pop()

    kind = Counting(refuse_for_a_while)
    job_id = await add(kind)
    async with working(pool, kind):
        assert (await acme.ended(job_id))["state"] == "done"


async def test_a_job_whose_step_ends_every_process_fails(pool: Pool, acme: Caller, add: Any) -> None:
    kind = Counting()
    job_id = await add(kind)
    async with pool.acquire() as connection:
        for _ in range(store.MAX_CLAIMS_WITHOUT_STEP):
            assert await store.claim(connection, [kind.name]) is not None
            await connection.execute("UPDATE jobs SET claimable_at = now() WHERE job_id = $1", job_id)
    async with working(pool, kind) as jobs:
        jobs.wake()
        assert (await acme.ended(job_id))["error"].startswith("it failed several times at the same step")
    assert kind.seen == []
