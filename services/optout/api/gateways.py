"""The gateways of an account, and which of them answer STOP themselves, whatever we keep silent about."""

from typing import Any

from fastapi import APIRouter

from services.optout.api.answers_about_sending import ShownGateways
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.request_limits import GuardedRoute
from services.optout.carrier_blocks import BY_CARRIER
from services.optout.decision_log.origin import REQUEST, REVIEW
from shared.answers_stop import HOW_TO_SWITCH_OFF
from shared.events.base import format_time

DOCUMENTED = "docs/carriers.md#carriers-that-answer-stop-themselves"

# The gateways of the last entries: when each was heard from, and when it last took a reply as an opt-out by itself.
GATEWAYS = """
SELECT gateway, max(decided_at) AS heard_at,
    max(decided_at) FILTER (WHERE is_block AND body LIKE '%the carrier took the reply as an opt-out') AS took_stop_at
FROM (
    SELECT decided_at, body, is_block, entry ->> CASE WHEN is_block THEN 'by' ELSE 'gateway' END AS gateway
    FROM (
        SELECT decided_at, body, entry::json AS entry,
            coalesce(entry::json -> 'request' ->> 'source' = $2, false) AS is_block
        FROM decisions WHERE account_id = $1 ORDER BY decided_at DESC, event_id DESC LIMIT 1000
    ) newest
) last
WHERE gateway <> ALL($3::text[]) GROUP BY gateway ORDER BY gateway
"""

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/account/gateways", response_model=ShownGateways)
async def read_gateways(account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Return the gateways of the account's last 1,000 entries; what is set at a gateway itself is not known here."""
    rows = await database.fetch(GATEWAYS, account_id, BY_CARRIER, [REQUEST, REVIEW])
    return {"gateways": [_shown(row) for row in rows]}


def _shown(row: Any) -> dict[str, Any]:
    how = HOW_TO_SWITCH_OFF.get(row["gateway"])
    took_stop_at = row["took_stop_at"]
    return {
        "gateway": row["gateway"],
        "heard_at": format_time(row["heard_at"]),
        "answers_stop_itself": "not_known" if how is None else "by_default",
        "took_stop_itself_at": None if took_stop_at is None else format_time(took_stop_at),
        "how_to_switch_it_off": how,
        "documentation": DOCUMENTED,
    }
