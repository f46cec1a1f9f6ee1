"""The opt-out list: the numbers that may not be messaged, each with the list it left and the message that caused it."""

from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter

from services.optout.api.answers import OptOutPage
from services.optout.api.context import Database, Fresh
from services.optout.api.fields import MAX_ID, PageLimit
from services.optout.api.opt_out_filters import AskedOptOuts
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.request_limits import GuardedRoute
from services.optout.decision_log.entry import entry_adapter
from shared.events.base import format_time
from shared.scopes import list_id_of

BY_PHONE = "AND (s.phone, s.scope) > ({}, {}) ORDER BY s.phone, s.scope LIMIT {}"
NEWEST_FIRST = """
AND (s.changed_at, s.suppression_id) < ({}, {}) ORDER BY s.changed_at DESC, s.suppression_id DESC LIMIT {}
"""
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/opt-outs", dependencies=[Fresh], response_model=OptOutPage, response_model_exclude_unset=True)
async def read_opt_outs(
    database: Database,
    filters: AskedOptOuts,
    order: Literal["phone", "newest"] = "phone",
    after: After = None,
    limit: PageLimit = 100,
) -> dict[str, Any]:
    """Read who has opted out, in the order of the phones or newest first; a page goes on in the order it began with."""
    if order == "newest":
        query, values = filters.query(NEWEST_FIRST, *keys_after(after, END_OF_TIME, MAX_ID))
        keys = ("changed_at", "suppression_id")
    else:
        query, values = filters.query(BY_PHONE, *keys_after(after, "", ""))
        keys = ("phone", "scope")
    rows, shown = await fetch_page(database, query, *values, limit=limit)
    return page("opt_outs", rows, shown, _shown, *keys)


def _shown(row: Any) -> dict[str, Any]:
    return {
        "phone": row["phone"],
        "scope": row["scope"],
        "list_id": list_id_of(row["scope"]),
        "list_name": row["list_name"],
        "state": row["state"],
        "source": row["source"] or "reply",
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
        "gateway": entry.gateway,
        "by": entry.by,
    }
