"""Jobs of an account: how far each is, and an end to it."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter

from services.optout.api.answers import JobPage, ShownJob
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import PageLimit
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.request_limits import GuardedRoute
from services.optout.jobs import store
from services.optout.jobs.erasure import ERASURE
from shared.events.base import format_time
from shared.postgres import Connection

# The account's jobs before a given time and id, newest first.
JOBS = """
SELECT * FROM jobs WHERE account_id = $1 AND (created_at, job_id) < ($2, $3)
ORDER BY created_at DESC, job_id DESC LIMIT $4
"""
JOB = "SELECT * FROM jobs WHERE account_id = $1 AND job_id = $2"
_END_OF_TIME, _LAST_ID = datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1)

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/jobs", response_model=JobPage)
async def read_jobs(
    account_id: CallerAccountId, database: Database, after: After = None, limit: PageLimit = 100
) -> dict[str, Any]:
    """Read the account's jobs, newest first; they are kept for a month after their end."""
    before = keys_after(after, _END_OF_TIME, _LAST_ID)
    rows, shown = await fetch_page(database, JOBS, account_id, *before, limit=limit)
    return page("jobs", rows, shown, _shown, "created_at", "job_id")


@router.get("/v1/jobs/{job_id}", response_model=ShownJob)
async def read_job(job_id: UUID, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    return await job_shown(database, account_id, job_id)


@router.post("/v1/jobs/{job_id}/cancel", response_model=ShownJob)
async def cancel_job(job_id: UUID, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Cancel it after its present step; a job that has ended stays as it is. An erasure is not cancelled."""
    shown = await job_shown(database, account_id, job_id)
    if shown["kind"] == ERASURE:
        message = "an erasure is not cancelled: what it has erased is gone, and the rest must follow"
        raise ApiError(409, "not_cancellable", message)
    await store.cancel(database, account_id, job_id)
    return await job_shown(database, account_id, job_id)


async def job_shown(database: Connection, account_id: str, job_id: UUID) -> dict[str, Any]:
    """Return a job as callers see it.

    Raises:
        ApiError: 404, the account has no such job.
    """
    row = await database.fetchrow(JOB, account_id, job_id)
    if row is None:
        raise ApiError(404, "not_found", f"job_id: there is no job {job_id}; see GET /v1/jobs", "job_id")
    return _shown(row)


def _shown(row: Any) -> dict[str, Any]:
    return {
        "job_id": str(row["job_id"]),
        "kind": row["kind"],
        "list_id": row["list_id"],
        "state": row["state"],
        "progress": {"done": row["done"], "total": row["total"]},
        "result": json.loads(row["result"]),
        "error": row["error"],
        **{name: _time(row[name]) for name in ("created_at", "started_at", "ended_at")},
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
