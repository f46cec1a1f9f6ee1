"""A clean-up whose records the pipeline parks, as one of an older version does, does not count as done."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import pytest
from optout_api_world import Caller

from services.optout.jobs import store
from services.optout.jobs.clean_up import CleanUp, Undo
from services.optout.jobs.job import JobFailedError, JobKind
from services.optout.jobs.job_request import JobRequest
from services.optout.jobs.publish import RequestOfMany
from services.optout.jobs.store import NewJob
from shared.postgres import Pool

PHONES = ("+14155550100", "+14155550101")


class Parked:
    """A publisher whose records the pipeline passes and parks."""

    async def publish(self, requests: Sequence[JobRequest]) -> None:
        """Nothing is recorded."""

    async def publish_of_many(self, phones: Sequence[str], request_of: RequestOfMany) -> None:
        request_of(phones)


@pytest.mark.parametrize("kind", ["clean_up", "undo"])
async def test_what_is_not_recorded_fails_its_job(kind: str, acme: Caller, pool: Pool) -> None:
    list_id, name = await acme.new_list("Parked"), uuid4().hex
    steps: JobKind = CleanUp(pool, Parked()) if kind == "clean_up" else Undo(pool, Parked())
    async with pool.acquire() as connection:
        job_id = await store.add(connection, NewJob(name, acme.account_id, {"parts": ["opt_outs"]}, list_id))
        assert job_id is not None
        await store.add_chunk(connection, job_id, 0, "\n".join(PHONES).encode())
        claimed = await store.claim(connection, [name])
        assert claimed is not None
        found = replace(claimed[0], input={**claimed[0].input, "clean_up_id": str(job_id)}, place={"chunks": 1})
        with pytest.raises(JobFailedError, match="could not be processed"):
            await steps.step(found)
        await connection.execute("UPDATE jobs SET state = 'done' WHERE job_id = $1", job_id)
