"""The overview: whether all is well, and what to do where it is not."""

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.components.empty_state import empty_state
from services.dashboard.visit import Visit

routes = APIRouter()


@routes.get("/overview")
async def overview(visit: Visit) -> Response:
    return visit.page(
        "Overview", h.h1["Overview"], empty_state("Nothing has happened yet", "Send a message, or let somebody reply.")
    )
