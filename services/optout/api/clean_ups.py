"""Clean-ups of a list: counts first, then in steps, and undone within 30 days."""

import asyncio
import json
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from services.optout.api.answers import CleanUpPreview, ShownJob
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import RequestBody
from services.optout.api.imports import too_many_jobs
from services.optout.api.jobs import job_shown
from services.optout.api.known_list import require_list
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from services.optout.jobs import store
from services.optout.jobs.clean_up import (
    CLEAN_UP,
    MEMBERS_AFTER,
    OPTED_OUT_ELSEWHERE,
    UNDO,
    UNDO_DAYS,
    WITHOUT_NESTED_LOOPS,
    compared_fields,
    duplicates_query,
    invalid_ids,
)
from services.optout.jobs.store import NewJob, TooManyJobsError
from shared.events.base import ListId
from shared.postgres import Connection

_CHECKED_IN_PREVIEW = 20_000

# A clean-up of the account that has ended and can be undone, and whether it was.
ENDED_CLEAN_UP = """
SELECT c.list_id, c.state, c.place, c.total, c.ended_at > now() - make_interval(days => $3) AS is_recent, EXISTS (
    SELECT FROM jobs u WHERE u.account_id = $1 AND u.kind = 'undo' AND u.state = 'done'
        AND u.input ->> 'clean_up_id' = c.job_id::text) AS is_undone
FROM jobs c WHERE c.account_id = $1 AND c.job_id = $2 AND c.kind = 'clean_up'
"""

router = APIRouter(route_class=GuardedRoute)

ListPart: TypeAlias = Literal["opt_outs", "duplicates", "invalid"]
LIST_PARTS: tuple[ListPart, ...] = ("opt_outs", "duplicates", "invalid")
ListParts: TypeAlias = Annotated[list[ListPart], Field(min_length=1, max_length=3)]
FieldNames: TypeAlias = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=20)]


class NewCleanUp(RequestBody):
    """A clean-up: `what` of the list it takes off, and by which `fields` two contacts count as the same."""

    what: ListParts = Field(default_factory=lambda: list(LIST_PARTS))
    fields: FieldNames = Field(default_factory=list)


@router.post("/v1/lists/{list_id}/clean-up/preview", response_model=CleanUpPreview, response_model_exclude_unset=True)
async def preview_clean_up(
    list_id: ListId, new: NewCleanUp, account_id: CallerAccountId, database: Database
) -> dict[str, Any]:
    """Count what a clean-up would take off now; invalid numbers among the first 20,000 members."""
    await require_list(database, account_id, list_id)
    fields = fields_of(new.fields)
    counts: dict[str, Any] = {}
    if "opt_outs" in new.what:
        async with database.transaction():
            await database.execute(WITHOUT_NESTED_LOOPS)
            counts["opt_outs"] = await _count(database, OPTED_OUT_ELSEWHERE, account_id, list_id)
    if "duplicates" in new.what:
        counts["duplicates"] = await _count(database, duplicates_query(fields), list_id, fields)
    if "invalid" in new.what:
        members = await database.fetch(MEMBERS_AFTER, list_id, 0, _CHECKED_IN_PREVIEW)
        counts["invalid"] = len(await asyncio.to_thread(invalid_ids, members))
        counts["invalid_checked"] = len(members)
    return counts


@router.post("/v1/lists/{list_id}/clean-up", status_code=202, response_model=ShownJob)
async def start_clean_up(
    list_id: ListId, new: NewCleanUp, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Start it; `GET /v1/jobs/{job_id}` has its progress, and its counts when it is done."""
    await require_list(database, account_id, list_id)
    job_id = await add_clean_up(database, account_id, list_id, new.what, fields_of(new.fields))
    runtime.jobs.wake()
    return await job_shown(database, account_id, job_id)


@router.post("/v1/lists/{list_id}/clean-ups/{job_id}/undo", status_code=202, response_model=ShownJob)
async def undo_clean_up(
    list_id: ListId, job_id: UUID, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Start to undo it: whoever it took off is on the list again, unless they have opted out of it since."""
    clean_up = await database.fetchrow(ENDED_CLEAN_UP, account_id, job_id, UNDO_DAYS)
    if clean_up is None or clean_up["list_id"] != list_id:
        raise ApiError(404, "not_found", f"job_id: the list has no clean-up {job_id}; see GET /v1/jobs", "job_id")
    if clean_up["state"] in ("waiting", "running"):
        raise ApiError(409, "running", "the clean-up is running; wait for its end, or cancel it first", "job_id")
    if clean_up["is_undone"] or not clean_up["is_recent"]:
        why = "was undone before" if clean_up["is_undone"] else f"ended more than {UNDO_DAYS} days ago"
        raise ApiError(409, "not_undoable", f"the clean-up {why}", "job_id")
    given = {"clean_up_id": str(job_id), "chunks": json.loads(clean_up["place"]).get("chunks", 0)}
    new = NewJob(UNDO, account_id, given, list_id, _key(list_id), clean_up["total"])
    undo_id = await _add(database, new)
    runtime.jobs.wake()
    return await job_shown(database, account_id, undo_id)


def fields_of(names: list[str]) -> list[str]:
    """Return the fields that make two contacts the same.

    Raises:
        ApiError: a name is unknown.
    """
    try:
        return compared_fields(names)
    except ValueError as error:
        raise ApiError(422, "invalid", f"fields: {error}", "fields") from None


async def add_clean_up(
    database: Connection, account_id: str, list_id: int, parts: list[Any], fields: list[str]
) -> UUID:
    """Add a clean-up.

    Raises:
        ApiError: 409, the list has one that runs; 429, the account has too many jobs.
    """
    return await _add(
        database, NewJob(CLEAN_UP, account_id, {"parts": parts, "fields": fields}, list_id, _key(list_id))
    )


def _key(list_id: int) -> str:
    return f"clean-up:{list_id}"


async def _add(database: Connection, new: NewJob) -> UUID:
    try:
        job_id = await store.add(database, new)
    except TooManyJobsError:
        raise too_many_jobs() from None
    if job_id is None:
        raise ApiError(
            409, "running", "the list is being cleaned up, or that is being undone; wait for its end", "list_id"
        )
    return job_id


async def _count(database: Connection, query: str, *values: object) -> int:
    count: int = await database.fetchval(f"SELECT count(*) FROM ({query}) AS found", *values)  # noqa: S608 (our query)
    return count
