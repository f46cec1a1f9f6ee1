"""`GET /v1/statistics`: an account in figures, and how much Kafka has that is not decided yet."""

from typing import Any

from fastapi import APIRouter

from services.optout.api.answers_about_statistics import ShownStatistics
from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallerAccountId
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime, Runtime
from shared.postgres import connection_from

POSITIONS = "SELECT partition, next_offset FROM partition_positions"

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/statistics", response_model=ShownStatistics)
async def read_statistics(account_id: CallerAccountId, runtime: ApiRuntime) -> dict[str, Any]:
    """Return the account in figures: its newest lists and campaigns, and the times from reply to effect."""
    found = await runtime.statistics.find(account_id)
    return {**found, "partitions": await _partitions(runtime)}


async def _partitions(runtime: Runtime) -> list[dict[str, int]]:
    """Return how much of each partition is not decided yet; partitions of which the end is not known are left out."""
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as database:
        positions = {row["partition"]: row["next_offset"] for row in await database.fetch(POSITIONS)}
    ends = runtime.live.ends
    return [{"partition": each, "undecided": max(0, ends[each] - positions.get(each, 0))} for each in sorted(ends)]
