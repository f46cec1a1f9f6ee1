"""The suppressions of one phone, in every scope."""

from typing import Any

from fastapi import APIRouter

from services.optout.api.answers import SuppressionsOfPhone
from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.phones import asked_phone
from services.optout.api.request_limits import GuardedRoute
from shared.events.base import format_time

# Every scope in which this phone was ever opted out, held or opted in; a phone has few.
SUPPRESSIONS_OF_PHONE = """
SELECT scope, state, source, cause_event_id, changed_at FROM suppressions
WHERE account_id = $1 AND phone = $2 ORDER BY scope LIMIT 10000
"""

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/suppressions/{phone}", dependencies=[Fresh], response_model=SuppressionsOfPhone)
async def read_suppressions(phone: str, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    normal = await asked_phone(database, account_id, phone)
    rows = await database.fetch(SUPPRESSIONS_OF_PHONE, account_id, normal)
    return {"phone": normal, "suppressions": [_shown(row) for row in rows]}


def _shown(row: Any) -> dict[str, Any]:
    return {
        "scope": row["scope"],
        "state": row["state"],
        "source": row["source"],
        "cause_event_id": str(row["cause_event_id"]),
        "changed_at": format_time(row["changed_at"]),
    }
