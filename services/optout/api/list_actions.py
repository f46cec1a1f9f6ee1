"""Clean-ups as ClickSend's clients call them: the answer waits for the end and has the number."""

import asyncio
import json
import time
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, Body

from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.clean_ups import add_clean_up, fields_of
from services.optout.api.context import CallerAccountId
from services.optout.api.errors import ApiError
from services.optout.api.known_list import require_list
from services.optout.api.runtime import ApiRuntime, Runtime
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.list_models import Removed
from services.optout.api.v3.route import V3Route
from shared.events.base import ListId
from shared.postgres import connection_from

_WAIT_SECONDS = 25.0
_POLL_SECONDS = 0.05
_MAX_FIELDS = 20
_OPT_OUT_LIST = "SELECT FROM contact_lists WHERE account_id = $1 AND list_id = $2 AND kind = 'opt_outs'"
_STATE = "SELECT state, result, error FROM jobs WHERE job_id = $1"


class WaitingRoute(V3Route):
    """A route that answers when a job is done."""

    seconds: ClassVar[float] = 2 * _WAIT_SECONDS


router = APIRouter(route_class=WaitingRoute)


@router.put("/v3/lists/{list_id}/remove-opted-out-contacts/{opt_out_list_id}")
async def remove_opted_out(
    list_id: ListId, opt_out_list_id: ListId, account_id: CallerAccountId, runtime: ApiRuntime
) -> Envelope[Removed]:
    """Take whoever is on the opt-out list off this one; more than half a minute of it goes on after the answer."""
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        await require_list(connection, account_id, list_id)
        if await connection.fetchrow(_OPT_OUT_LIST, account_id, opt_out_list_id) is None:
            message = f"opt_out_list_id: {opt_out_list_id} is not your opt-out list; GET /v3/lists shows it"
            raise ApiError(404, "not_found", message, "opt_out_list_id")
        job_id = await add_clean_up(connection, account_id, list_id, ["opt_outs"], ["phone"])
    return success("The opted-out contacts were removed.", Removed(deleted=await _removed(runtime, job_id, "opt_outs")))


@router.put("/v3/lists/{list_id}/remove-duplicates")
async def remove_duplicates(
    list_id: ListId,
    account_id: CallerAccountId,
    runtime: ApiRuntime,
    given: Annotated[dict[str, Any] | None, Body()] = None,
) -> Envelope[Removed]:
    """Of contacts with the same phone, and the same values of `fields`, keep the one that was there first.

    Clients can name nothing but first and last names, and people with the same name are not one.
    """
    fields = fields_of(["phone", *_names((given or {}).get("fields"))])
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        await require_list(connection, account_id, list_id)
        job_id = await add_clean_up(connection, account_id, list_id, ["duplicates"], fields)
    return success("The duplicates were removed.", Removed(deleted=await _removed(runtime, job_id, "duplicates")))


def _names(fields: object) -> list[str]:
    """Return the names in an object, a list, or nothing."""
    names = list(fields) if isinstance(fields, (dict, list)) else [] if fields is None else [fields]
    if len(names) > _MAX_FIELDS or not all(isinstance(name, str) for name in names):
        raise ApiError(422, "invalid", "fields: send an object, or a list of names", "fields")
    return [str(name) for name in names]


async def _removed(runtime: Runtime, job_id: UUID, part: str) -> int:
    """Wait for the end of a clean-up, for a while, and return how many it has removed of one part."""
    runtime.jobs.wake()
    ends_at = time.monotonic() + _WAIT_SECONDS
    while True:
        async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
            row = await connection.fetchrow(_STATE, job_id)
        assert row is not None  # noqa: S101 (jobs are kept for a month)
        if row["error"]:
            raise ApiError(503, "unavailable", f"the clean-up failed: {row['error']}", headers={"Retry-After": "5"})
        if row["state"] not in ("waiting", "running") or time.monotonic() > ends_at:
            return int(json.loads(row["result"]).get(part, 0))
        await asyncio.sleep(_POLL_SECONDS)
