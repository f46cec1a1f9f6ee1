"""A job of a list: followed while it runs, stopped, and what it did."""

from typing import Any
from uuid import UUID

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.components.job_panel import job_panel
from services.dashboard.components.list_tabs import ListTab, list_head
from services.dashboard.refusals import not_found
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_TABS: dict[str, ListTab] = {
    "clean_up": "clean-up",
    "undo": "clean-up",
    "contact_import": "import",
    "opt_out_import": "import",
}


@routes.get("/lists/{list_id}/jobs/{job_id}")
async def job(visit: Visit, list_id: int, job_id: UUID) -> Response:
    shown = await _job(visit, list_id, job_id)
    if visit.is_partial:
        return visit.part(job_panel(visit, shown))
    found = await visit.api.get(f"/v1/lists/{list_id}")
    tab = _TABS[shown["kind"]]
    back = h.p[h.a(href=f"/lists/{list_id}")["To the contacts"], " · ", h.a(href=f"/lists/{list_id}/{tab}")["Back"]]
    return visit.page(found["name"], list_head(found, tab, visit.user), job_panel(visit, shown), back)


@routes.post("/lists/{list_id}/jobs/{job_id}/cancel")
async def cancel(visit: Visit, list_id: int, job_id: UUID) -> Response:
    await _job(visit, list_id, job_id)
    await visit.api.post(f"/v1/jobs/{job_id}/cancel")
    return visit.redirect(f"/lists/{list_id}/jobs/{job_id}")


async def _job(visit: PageVisit, list_id: int, job_id: UUID) -> dict[str, Any]:
    shown = await visit.api.get(f"/v1/jobs/{job_id}")
    if shown["list_id"] != list_id or shown["kind"] not in _TABS:
        raise not_found("job of this list")
    return shown
