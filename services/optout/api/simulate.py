"""The simulator: what a draft rule would have done with what people wrote to the account."""

import asyncio
import json
from typing import Any
from uuid import UUID

from fastapi import APIRouter

from services.optout.api.account_rules import check_change, current_rules
from services.optout.api.answers_about_sending import ShownSimulation
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.rule_fields import GivenRule, rule_of
from services.optout.api.runtime import ApiRuntime
from services.optout.rules import VersionedRule
from services.optout.simulation import store
from services.optout.simulation.run import TooManyRunningError
from shared.events.base import format_time
from shared.postgres import Connection

NEW_RULE_ID = 2**62
"""After all others, like a new rule."""

router = APIRouter(route_class=GuardedRoute)


class Draft(GivenRule):
    """A rule as it would be saved; `replaces` is the rule that it would be the next version of."""

    replaces: int | None = None


@router.post("/v1/rules/simulate", status_code=202, response_model=ShownSimulation)
async def start(draft: Draft, account_id: CallerAccountId, database: Database, runtime: ApiRuntime) -> dict[str, Any]:
    """Begin; `GET /v1/rules/simulate/{simulation_id}` reports the progress."""
    rule = (await asyncio.to_thread(rule_of, draft)).model_copy(update={"enabled": True})
    present = await current_rules(database, account_id)
    version = version_of(present, draft.replaces)
    await check_change(present, rule, draft.replaces)
    try:
        rule_id = draft.replaces or NEW_RULE_ID
        simulation_id = await runtime.simulations.start(account_id, VersionedRule(rule_id, version, rule), present)
    except TooManyRunningError:
        message = "many simulations are running; try again later"
        raise ApiError(503, "unavailable", message, headers={"Retry-After": "10"}) from None
    if simulation_id is None:
        raise ApiError(409, "running", "the account has a simulation that runs; wait for its end, or DELETE it")
    return await _shown(database, account_id, simulation_id)


@router.get("/v1/rules/simulate/{simulation_id}", response_model=ShownSimulation)
async def read(simulation_id: UUID, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    return await _shown(database, account_id, simulation_id)


@router.delete("/v1/rules/simulate/{simulation_id}", response_model=ShownSimulation)
async def cancel(simulation_id: UUID, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Cancel it; one that has ended stays as it is."""
    await store.cancel(database, account_id, simulation_id)
    return await _shown(database, account_id, simulation_id)


def version_of(present: list[VersionedRule], replaces: int | None) -> int:
    """Return the version that the draft would be.

    Raises:
        ApiError: 404, there is no rule that it replaces.
    """
    if replaces is None:
        return 1
    for each in present:
        if each.rule_id == replaces:
            return each.version + 1
    message = f"replaces: there is no rule {replaces}; see GET /v1/rules"
    raise ApiError(404, "not_found", message, "replaces")


async def _shown(database: Connection, account_id: str, simulation_id: UUID) -> dict[str, Any]:
    row = await store.read(database, account_id, simulation_id)
    if row is None:
        message = f"simulation_id: there is no simulation {simulation_id}; the last {store.KEPT} are kept"
        raise ApiError(404, "not_found", message, "simulation_id")
    return {
        "simulation_id": str(simulation_id),
        "state": "failed" if row["is_dead"] else row["state"],
        "progress": {"examined": row["examined"], "total": row["total"]},
        "matched": row["matched"],
        "new": row["new"],
        "lost": row["lost"],
        "first_new": json.loads(row["first_new"]),
        "first_lost": json.loads(row["first_lost"]),
        "started_at": format_time(row["started_at"]),
    }
