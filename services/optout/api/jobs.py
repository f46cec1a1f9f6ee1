"""Jobs of an account: how far each is, and an end to it."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from services.optout.api.answers import JobPage, ShownJob
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import PageLimit
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.request_limits import GuardedRoute
from services.optout.jobs import store
from services.optout.jobs.clean_up import CLEAN_UP, UNDO, UNDO_DAYS
from services.optout.jobs.erasure import ERASURE
from shared.events.base import ListId, format_time
from shared.postgres import Connection

# Jobs of account $1, to which a condition is added; a clean-up with the job that undid it, and until when one may.
_JOBS = f"""
SELECT j.*, undone.job_id AS undone_by,
    CASE WHEN j.kind = '{CLEAN_UP}' AND undone.job_id IS NULL AND j.ended_at > now() - interval '{UNDO_DAYS} days'
        THEN j.ended_at + interval '{UNDO_DAYS} days' END AS undoable_until
FROM jobs j LEFT JOIN LATERAL (
    SELECT u.job_id FROM jobs u
    WHERE u.account_id = $1 AND j.kind = '{CLEAN_UP}' AND u.kind = '{UNDO}' AND u.state = 'done'
        AND u.input ->> 'clean_up_id' = j.job_id::text LIMIT 1
) AS undone ON true
WHERE j.account_id = $1
"""  # noqa: S608 (no value from outside)
# The account's jobs before a given time and id, newest first; of one list and of some kinds, where they are given.
JOBS = f"""
{_JOBS} AND (j.created_at, j.job_id) < ($2, $3)
    AND ($4::bigint IS NULL OR j.list_id = $4) AND ($5::text[] IS NULL OR j.kind = ANY($5))
ORDER BY j.created_at DESC, j.job_id DESC LIMIT $6
"""
JOB = f"{_JOBS} AND j.job_id = $2"
_END_OF_TIME, _LAST_ID = datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1)

_MAX_KINDS = 10

JobKindName: TypeAlias = Annotated[str, StringConstraints(pattern="^[a-z_]{1,40}$")]

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/jobs", response_model=JobPage)
async def read_jobs(  # noqa: PLR0913, PLR0917 (FastAPI's parameters)
    account_id: CallerAccountId,
    database: Database,
    list_id: Annotated[ListId | None, Query()] = None,
    kind: Annotated[list[JobKindName] | None, Query(max_length=_MAX_KINDS)] = None,
    after: After = None,
    limit: PageLimit = 100,
) -> dict[str, Any]:
    """Read the account's jobs, newest first, or those of a list or of some kinds; they are kept for a month."""
    before = keys_after(after, _END_OF_TIME, _LAST_ID)
    rows, shown = await fetch_page(database, JOBS, account_id, *before, list_id, kind, limit=limit)
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
        **{name: _time(row[name]) for name in ("created_at", "started_at", "ended_at", "undoable_until")},
        "undone_by": None if row["undone_by"] is None else str(row["undone_by"]),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
