"""Jobs in Postgres."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from services.optout.jobs.job import AccountJob
from shared.postgres import Connection

LEASE_SECONDS = 15.0
MAX_ACTIVE = 50
"""Of one account."""
MAX_CLAIMS_WITHOUT_STEP = 5
KEPT_DAYS = 31
"""A clean-up can be undone for 30 days."""

_ACTIVE = "SELECT count(*) FROM jobs WHERE account_id = $1 AND state IN ('waiting', 'running')"

_ADD = """
INSERT INTO jobs (job_id, account_id, kind, list_id, exclusive_key, input, total)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7)
ON CONFLICT (exclusive_key) WHERE state IN ('waiting', 'running') DO NOTHING
RETURNING job_id
"""

# Takes the job that has waited longest. Each claim has an id of its own, so that whoever lost one cannot save.
_CLAIM = """
UPDATE jobs SET state = 'running', claim_id = $1, claims_without_step = claims_without_step + 1,
    claimable_at = now() + make_interval(secs => $3), started_at = coalesce(started_at, now())
WHERE job_id = (
    SELECT job_id FROM jobs
    WHERE state IN ('waiting', 'running') AND claimable_at <= now() AND kind = ANY($2::text[])
    ORDER BY claimable_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""

_KEEP = """
UPDATE jobs SET claimable_at = now() + make_interval(secs => $3) WHERE job_id = $1 AND claim_id = $2
RETURNING job_id
"""

# Gives up the claim; what was saved is where the next one starts.
_RELEASE = """
UPDATE jobs SET claim_id = NULL, claimable_at = now() + make_interval(secs => $3),
    claims_without_step = CASE WHEN $4 THEN 0 ELSE claims_without_step END
WHERE job_id = $1 AND claim_id = $2
"""

_SAVE = """
UPDATE jobs SET place = $3::jsonb, done = $4, total = $5, result = $6::jsonb, claims_without_step = 0,
    state = CASE WHEN $7 = 'running' AND cancel_requested_at IS NOT NULL THEN 'cancelled' ELSE $7 END,
    ended_at = CASE WHEN $7 <> 'running' OR cancel_requested_at IS NOT NULL THEN now() END
WHERE job_id = $1 AND claim_id = $2 AND state = 'running'
RETURNING state
"""

_FAIL = """
UPDATE jobs SET state = 'failed', error = $3, ended_at = now() WHERE job_id = $1 AND claim_id = $2 AND state = 'running'
"""

# One that nobody works on now ends at once, the others after their step.
_CANCEL = """
UPDATE jobs SET cancel_requested_at = now(),
    state = CASE WHEN claim_id IS NULL THEN 'cancelled' ELSE state END,
    ended_at = CASE WHEN claim_id IS NULL THEN now() END
WHERE account_id = $1 AND job_id = $2 AND state IN ('waiting', 'running')
"""

# An erasure that failed has its phone until another erases that: without its job it would count as done.
_FORGET = """
DELETE FROM jobs
WHERE ended_at < now() - make_interval(days => $1) AND NOT (kind = 'erasure' AND input ->> 'phone' IS NOT NULL)
"""

# What imports have read is of no use after their end; a clean-up's undo needs what it found.
_FORGET_CHUNKS = """
DELETE FROM job_chunks c USING jobs j
WHERE j.job_id = c.job_id AND j.ended_at IS NOT NULL AND (j.kind LIKE '%import' OR j.kind = 'reassigned_numbers')
"""

_ADD_CHUNK = """
INSERT INTO job_chunks (job_id, number, content) VALUES ($1, $2, $3)
ON CONFLICT (job_id, number) DO UPDATE SET content = excluded.content
"""

_CHUNK = "SELECT content FROM job_chunks WHERE job_id = $1 AND number = $2"


class LeaseLostError(Exception):
    """Somebody else works on the job, or it was ended: what this step wrote in its transaction must not be kept."""


class TooManyJobsError(Exception):
    """The account has as many active jobs as it may."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be added; of those with the same `exclusive_key` one is active at a time."""

    kind: str
    account_id: str
    input: Mapping[str, Any]
    list_id: int | None = None
    exclusive_key: str | None = None
    total: int = 0


async def add(connection: Connection, new: NewJob) -> UUID | None:
    """Add a job and return its id; None where another one with its key is active.

    Raises:
        TooManyJobsError: the account has `MAX_ACTIVE`.
    """
    if await connection.fetchval(_ACTIVE, new.account_id) >= MAX_ACTIVE:
        raise TooManyJobsError
    what = new.account_id, new.kind, new.list_id, new.exclusive_key, json.dumps(new.input), new.total
    added: UUID | None = await connection.fetchval(_ADD, uuid4(), *what)
    return added


async def claim(connection: Connection, kinds: list[str]) -> tuple[AccountJob, int] | None:
    """Return a job to work on, and how many claims of it have ended without a step; None where there is none."""
    row = await connection.fetchrow(_CLAIM, uuid4(), kinds, LEASE_SECONDS)
    return None if row is None else (_job(row), row["claims_without_step"] - 1)


async def keep(connection: Connection, job: AccountJob) -> bool:
    """Keep the claim for another `LEASE_SECONDS`; False where it is lost."""
    return await connection.fetchval(_KEEP, job.job_id, job.claim_id, LEASE_SECONDS) is not None


async def save(connection: Connection, job: AccountJob) -> str:
    """Save the job after a step and return its state: it may have been cancelled.

    Raises:
        LeaseLostError: nothing is saved.
    """
    texts = json.dumps(job.place), job.done, job.total, json.dumps(job.result)
    state: str | None = await connection.fetchval(_SAVE, job.job_id, job.claim_id, *texts, job.state)
    if state is None:
        raise LeaseLostError(f"job {job.job_id}")
    return state


async def release(connection: Connection, job: AccountJob, seconds: float, *, made_steps: bool) -> None:
    """Let the next one claim the job after `seconds`."""
    await connection.execute(_RELEASE, job.job_id, job.claim_id, seconds, made_steps)


async def fail(connection: Connection, job: AccountJob, error: str) -> None:
    await connection.execute(_FAIL, job.job_id, job.claim_id, error)


async def cancel(connection: Connection, account_id: str, job_id: UUID) -> None:
    await connection.execute(_CANCEL, account_id, job_id)


async def forget(connection: Connection) -> None:
    """Delete jobs that ended long ago."""
    await connection.execute(_FORGET_CHUNKS)
    await connection.execute(_FORGET, KEPT_DAYS)


async def add_chunk(connection: Connection, job_id: UUID, number: int, content: bytes) -> None:
    """Keep what a step has found for a later step; a repeated step replaces it."""
    await connection.execute(_ADD_CHUNK, job_id, number, content)


async def chunk(connection: Connection, job_id: UUID, number: int) -> bytes:
    """Return what `add_chunk` kept; nothing where there is none."""
    return await connection.fetchval(_CHUNK, job_id, number) or b""


def _job(row: Any) -> AccountJob:
    who = row["job_id"], row["account_id"], row["kind"], row["list_id"]
    what = json.loads(row["input"]), json.loads(row["place"]), row["claim_id"], row["done"], row["total"]
    return AccountJob(*who, *what, json.loads(row["result"]))
