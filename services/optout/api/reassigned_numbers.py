"""Reassigned numbers: the answers of the Reassigned Numbers Database, as a CSV in the body."""

from typing import Any

from fastapi import APIRouter, Request

from services.optout.api.answers import ShownJob
from services.optout.api.context import CallerAccountId
from services.optout.api.imports import import_body
from services.optout.api.opt_out_imports import OptOutFileRoute
from services.optout.api.runtime import ApiRuntime
from services.optout.api.uploads import FILE_BODY
from services.optout.jobs.reassignment import REASSIGNMENT, reassignment_columns
from shared.postgres import Connection

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

    async def input_of(_: Connection, cells: list[str]) -> dict[str, Any]:
        return {"columns": reassignment_columns(cells)}

    return await import_body(request, account_id, runtime, REASSIGNMENT, input_of)
