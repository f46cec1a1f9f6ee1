"""The opt-out list: the numbers that may not be messaged, each with the list it left and the message that caused it."""

from typing import Any

from fastapi import APIRouter

from services.optout.api.answers import OptOutPage
from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.fields import PageLimit
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.phones import PhoneFilter
from services.optout.api.request_limits import GuardedRoute
from services.optout.decision_log.entry import entry_adapter
from shared.events.base import format_time

# The account's opt-outs after a given phone and scope, each with the decision that made it.
OPT_OUTS = """
SELECT s.phone, s.scope, s.state, s.changed_at, s.cause_event_id, d.body, d.entry
FROM suppressions s LEFT JOIN decisions d ON d.event_id = s.cause_event_id
WHERE s.account_id = $1 AND (s.is_opt_out OR s.state = 'held') AND (s.phone, s.scope) > ($2, $3)
ORDER BY s.phone, s.scope LIMIT $4
"""

# The same for one phone, after a given scope.
OPT_OUTS_OF_PHONE = """
SELECT s.phone, s.scope, s.state, s.changed_at, s.cause_event_id, d.body, d.entry
FROM suppressions s LEFT JOIN decisions d ON d.event_id = s.cause_event_id
WHERE s.account_id = $1 AND (s.is_opt_out OR s.state = 'held') AND s.phone = $2 AND s.scope > $3
ORDER BY s.phone, s.scope LIMIT $4
"""

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/opt-outs", dependencies=[Fresh], response_model=OptOutPage, response_model_exclude_unset=True)
async def read_opt_outs(
    account_id: CallerAccountId,
    database: Database,
    phone: PhoneFilter,
    after: After = None,
    limit: PageLimit = 100,
) -> dict[str, Any]:
    after_phone, after_scope = keys_after(after, "", "")
    query = OPT_OUTS if phone is None else OPT_OUTS_OF_PHONE
    rows, shown = await fetch_page(database, query, account_id, phone or after_phone, after_scope, limit=limit)
    return page("opt_outs", rows, shown, _shown, "phone", "scope")


def _shown(row: Any) -> dict[str, Any]:
    kind, _, list_id = row["scope"].partition(":")
    return {
        "phone": row["phone"],
        "scope": row["scope"],
        "list_id": int(list_id) if kind == "list" else None,
        "state": row["state"],
        "opted_out_at": format_time(row["changed_at"]),
        "cause": _cause(row),
    }


def _cause(row: Any) -> dict[str, Any]:
    """Return what made it; `message_id` is the message that was answered, where that is known."""
    if row["entry"] is None:
        return {"event_id": str(row["cause_event_id"])}
    entry = entry_adapter.validate_json(row["entry"])
    return {
        "event_id": str(entry.event_id),
        "body": row["body"],
        "sender_number": entry.sender_number,
        "message_id": entry.message_id,
        "rule": entry.rule,
        "rule_version": entry.rule_version,
        "attribution": entry.attribution,
        "reach_policy": entry.reach_policy,
    }
