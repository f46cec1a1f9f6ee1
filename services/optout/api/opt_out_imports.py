"""Imports of opt-outs from another system: a CSV in the body, checked wholly before any of it counts."""

from typing import Any, ClassVar

from fastapi import APIRouter, Request

from services.optout.api.answers import ShownJob
from services.optout.api.context import CallerAccountId
from services.optout.api.imports import import_body
from services.optout.api.phones import country_of
from services.optout.api.request_limits import GuardedRoute, LimitedRequest
from services.optout.api.runtime import ApiRuntime
from services.optout.api.upload_body import UPLOAD_SECONDS, UploadRequest
from services.optout.api.uploads import FILE_BODY
from services.optout.jobs.opt_out_import import OPT_OUT_IMPORT, opt_out_columns
from shared.postgres import Connection


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

    async def input_of(database: Connection, cells: list[str]) -> dict[str, Any]:
        return {"columns": opt_out_columns(cells), "country": await country_of(database, account_id)}

    return await import_body(request, account_id, runtime, OPT_OUT_IMPORT, input_of)
