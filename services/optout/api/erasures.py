"""Erasures: everything about a recipient goes but what suppresses their phone."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, StringConstraints

from services.optout.api.answers_about_evidence import ErasurePage, ShownErasure
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import GivenPhone, PageLimit, RequestBody, without_nul
from services.optout.api.imports import too_many_jobs
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.phones import asked_phone
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from services.optout.decision_log.entry import entry_adapter
from services.optout.jobs import store
from services.optout.jobs.erasure import ERASURE
from services.optout.jobs.store import NewJob, TooManyJobsError
from shared.events.base import format_time

# The account's erasures before a given time and id, newest first: an entry each, which stays.
ERASURES = """
SELECT event_id, decided_at, body, entry FROM decisions
WHERE account_id = $1 AND phone LIKE 'erased:%' AND entry_sha256 IS NULL AND (decided_at, event_id) < ($2, $3)
ORDER BY decided_at DESC, event_id DESC LIMIT $4
"""
DECIDED = """
SELECT event_id, decided_at, body, entry FROM decisions
WHERE account_id = $1 AND event_id = $2 AND phone LIKE 'erased:%' AND entry_sha256 IS NULL
"""
JOB = "SELECT state, input, result, error, created_at FROM jobs WHERE account_id = $1 AND job_id = $2 AND kind = $3"
_END_OF_TIME, _LAST_ID = datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1)
_MAX_TEXT = 200

router = APIRouter(route_class=GuardedRoute)

KeptText: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_TEXT), AfterValidator(without_nul)
]


class NewErasure(RequestBody):
    """An erasure; `reason` and `by` are kept with it, so they must not name the recipient."""

    phone: GivenPhone
    reason: KeptText
    by: KeptText


@router.post("/v1/erasures", status_code=202, response_model=ShownErasure)
async def create_erasure(
    new: NewErasure, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Erase a recipient: texts, fields and phone, everywhere but where the phone keeps them from being messaged.

    `GET /v1/erasures/{erasure_id}` shows when it is done. An erasure is not an opt-out, and changes no suppression.
    """
    pseudonyms = runtime.settings.pseudonyms
    if not pseudonyms.keys:
        raise ApiError(409, "not_configured", "this deployment has no key to erase with; its operator sets one")
    phone = await asked_phone(database, account_id, new.phone)
    given = {"phone": phone, "pseudonym": pseudonyms.new(account_id, phone), "reason": new.reason, "by": new.by}
    try:
        erasure_id = await store.add(database, NewJob(ERASURE, account_id, given))
    except TooManyJobsError:
        raise too_many_jobs() from None
    runtime.jobs.wake()
    assert erasure_id is not None  # noqa: S101 (it has no key)
    return await read_erasure(erasure_id, account_id, database)


@router.get("/v1/erasures", response_model=ErasurePage)
async def read_erasures(
    account_id: CallerAccountId, database: Database, after: After = None, limit: PageLimit = 100
) -> dict[str, Any]:
    """Read the account's erasures, newest first, once they are decided. They are kept."""
    before = keys_after(after, _END_OF_TIME, _LAST_ID)
    rows, shown = await fetch_page(database, ERASURES, account_id, *before, limit=limit)
    return page("erasures", rows, shown, _decided, "decided_at", "event_id")


@router.get("/v1/erasures/{erasure_id}", response_model=ShownErasure)
async def read_erasure(erasure_id: UUID, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Read an erasure; `erased` counts entries, messages and contacts, for a month after its end."""
    job = await database.fetchrow(JOB, account_id, erasure_id, ERASURE)
    decided = await database.fetchrow(DECIDED, account_id, erasure_id)
    if job is None and decided is None:
        message = f"erasure_id: there is no erasure {erasure_id}; see GET /v1/erasures"
        raise ApiError(404, "not_found", message, "erasure_id")
    shown = _asked(erasure_id, job) if decided is None else _decided(decided)
    # A job is deleted only when the phone is erased.
    progress: dict[str, Any] = {"state": "done", "erased": {}, "error": None}
    if job is not None:
        progress = {"state": job["state"], "erased": json.loads(job["result"]), "error": job["error"]}
    return {**shown, **progress}


def _asked(erasure_id: UUID, job: Any) -> dict[str, Any]:
    given = json.loads(job["input"])
    return {
        "erasure_id": str(erasure_id),
        "pseudonym": given["pseudonym"],
        "reason": given["reason"],
        "by": given["by"],
        "decided_at": None,
    }


def _decided(row: Any) -> dict[str, Any]:
    entry = entry_adapter.validate_json(row["entry"])
    return {
        "erasure_id": str(entry.event_id),
        "pseudonym": entry.phone,
        "reason": row["body"],
        "by": entry.by,
        "decided_at": format_time(entry.decided_at),
    }
