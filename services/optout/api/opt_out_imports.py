"""Imports of opt-outs from another system: a CSV in the body, checked wholly before any of it counts."""

from typing import Any, ClassVar

from fastapi import APIRouter, Request

from services.optout.api.answers import ShownJob
from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallerAccountId
from services.optout.api.errors import ApiError
from services.optout.api.imports import add_file_job, first_row
from services.optout.api.jobs import job_shown
from services.optout.api.phones import country_of
from services.optout.api.request_limits import GuardedRoute, LimitedRequest
from services.optout.api.runtime import ApiRuntime
from services.optout.api.upload_body import UPLOAD_SECONDS, UploadRequest
from services.optout.api.uploads import FILE_BODY, store_upload
from services.optout.jobs.opt_out_import import OPT_OUT_IMPORT, opt_out_columns
from services.optout.jobs.store import NewJob
from shared.postgres import connection_from


class OptOutFileRoute(GuardedRoute):
    """A route that takes a file in its body."""

    request_type: ClassVar[type[LimitedRequest]] = UploadRequest
    seconds: ClassVar[float] = UPLOAD_SECONDS


router = APIRouter(route_class=OptOutFileRoute)


@router.post("/v1/opt-outs/imports", status_code=202, openapi_extra={"requestBody": FILE_BODY}, response_model=ShownJob)
async def import_opt_outs(request: Request, account_id: CallerAccountId, runtime: ApiRuntime) -> dict[str, Any]:
    """Import opt-outs; the first row names the columns: number, and where there are such list, date and source.

    `GET /v1/jobs/{job_id}` has the progress and the bad rows. A row without a list counts for the whole account.
    """
    stored, _ = await store_upload(request, runtime.pool, account_id)
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        first = await first_row(connection, stored, "content")
        try:
            columns = opt_out_columns(first.cells)
        except ValueError as error:
            raise ApiError(422, "invalid", f"content: {error}", "content") from None
        given = {"columns": columns, "country": await country_of(connection, account_id)}
        job_id = await add_file_job(connection, NewJob(OPT_OUT_IMPORT, account_id, given), stored, first)
        runtime.jobs.wake()
        return await job_shown(connection, account_id, job_id)
