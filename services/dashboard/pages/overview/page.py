"""The overview's routes: the page, its rates, and its stream of events."""

import asyncio
import time
from typing import Annotated, Any

import htpy as h
from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from services.dashboard.api import ApiUnavailableError
from services.dashboard.pages.overview import parts
from services.dashboard.pages.overview.live import NEWEST, LivePage, digest, nothing_yet
from services.dashboard.pages.overview.problems import problems
from services.dashboard.runtime import DashboardRuntime
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

SeenDigest = Annotated[str, Query(pattern="^[0-9a-f]{0,16}$")]
_AS_EVENTS = {"X-Accel-Buffering": "no"}


@routes.get("/overview")
async def overview(visit: Visit, runtime: DashboardRuntime) -> Response:
    """Show the frame at once, with the newest opt-outs; what is counted comes with the first event."""
    health, newest = await asyncio.gather(runtime.health.look(), visit.api.get("/v1/opt-outs", NEWEST))
    live = nothing_yet(time.time())
    opt_outs = parts.newest_opt_outs(newest["opt_outs"])
    return visit.page(
        "Overview",
        h.div(hx_ext="sse", sse_connect=f"/overview/live?seen={digest(str(opt_outs))}")[
            h.div(".title-row")[h.h1["Overview"], h.span(".live", role="status")["Connecting"]],
            h.div(sse_swap="state")[parts.state(problems(health, _NOTHING), health, None)],
            h.div(sse_swap="figures")[parts.flow_figures(live)],
            h.div(sse_swap="charts", data_charts=True)[parts.flow_charts(live)],
            h.section(".card")[h.h2["Newest opt-outs"], h.div(sse_swap="opt-outs")[opt_outs]],
            h.div(hx_get="/overview/rates", hx_trigger="load, every 15s", id="rates")[
                h.p(".hint")[h.a(href="/overview/rates")["Rates, times and services"], " are being counted."]
            ],
        ],
    )


_NOTHING: dict[str, Any] = {"partitions": [], "effect": {"p99_ms": None}, "held": 0}
"""The figures before anything was counted."""


@routes.get("/overview/rates")
async def overview_rates(visit: Visit, runtime: DashboardRuntime) -> Response:
    """Show the rates, times and services, which take longer to count."""
    health, statistics = await asyncio.gather(runtime.health.look(), _statistics(visit))
    if statistics is None:
        return visit.page("Rates", parts.services(health, None))
    return visit.page(
        "Rates",
        h.div(".grid-2")[parts.effect(statistics), parts.services(health, statistics)],
        parts.rates(statistics),
    )


async def _statistics(visit: PageVisit) -> dict[str, Any] | None:
    try:
        return await visit.api.get("/v1/statistics")
    except ApiUnavailableError:
        return None


@routes.get("/overview/live")
async def overview_live(visit: Visit, runtime: DashboardRuntime, seen: SeenDigest = "") -> StreamingResponse:
    """Stream the parts that change, for as long as somebody looks."""
    runtime.live_pages.check(visit.user.account_id)
    page = LivePage(visit, runtime, seen)
    return StreamingResponse(page.events(), 200, _AS_EVENTS, "text/event-stream")
