"""Reassigned numbers: the answers of the Reassigned Numbers Database, as a CSV in the body."""

from typing import Any

from fastapi import APIRouter, Request

from services.optout.api.answers import ShownJob
from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallerAccountId
from services.optout.api.errors import ApiError
from services.optout.api.imports import add_file_job, first_row
from services.optout.api.jobs import job_shown
from services.optout.api.opt_out_imports import OptOutFileRoute
from services.optout.api.runtime import ApiRuntime
from services.optout.api.uploads import FILE_BODY, store_upload
from services.optout.jobs.reassignment import REASSIGNMENT, reassignment_columns
from services.optout.jobs.store import NewJob
from shared.postgres import connection_from

router = APIRouter(route_class=OptOutFileRoute)


@router.post(
    "/v1/reassigned-numbers", status_code=202, openapi_extra={"requestBody": FILE_BODY}, response_model=ShownJob
)
async def import_reassigned_numbers(
    request: Request, account_id: CallerAccountId, runtime: ApiRuntime
) -> dict[str, Any]:
    """End the consent of numbers that belong to somebody else now; the first row names number, date and answer.

    `GET /v1/jobs/{job_id}` has the progress and the bad rows. It is not an opt-out; consent is needed again.
    """
    stored, _ = await store_upload(request, runtime.pool, account_id)
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        first = await first_row(connection, stored, "content")
        try:
            columns = reassignment_columns(first.cells)
        except ValueError as error:
            raise ApiError(422, "invalid", f"content: {error}", "content") from None
        new = NewJob(REASSIGNMENT, account_id, {"columns": columns})
        job_id = await add_file_job(connection, new, stored, first)
        runtime.jobs.wake()
        return await job_shown(connection, account_id, job_id)
