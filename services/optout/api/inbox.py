"""The inbox: what people wrote, newest first, with what was decided."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter

from services.optout.api.answers import InboxPage
from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.fields import PageLimit
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.phones import SPELLINGS, PhoneFilter
from services.optout.api.request_limits import GuardedRoute
from services.optout.decision_log.entry import entry_adapter
from shared.events.base import format_time

# The account's messages decided before a given time (and id, where times are equal).
INBOX = """
SELECT event_id, decided_at, body, entry FROM decisions
WHERE account_id = $1 AND (decided_at, event_id) < ($2, $3) AND erasure_id IS NULL
    AND entry NOT LIKE '%"reason":"another_number"%'
ORDER BY decided_at DESC, event_id DESC LIMIT $4
"""

# The same of one phone.
INBOX_OF_PHONE = f"""
SELECT event_id, decided_at, body, entry FROM decisions
WHERE account_id = $1 AND (decided_at, event_id) < ($3, $4) AND phone IN ({SPELLINGS})
    AND erasure_id IS NULL AND entry NOT LIKE '%"reason":"another_number"%'
ORDER BY decided_at DESC, event_id DESC LIMIT $5
"""  # noqa: S608 (no value from outside)

_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_LAST_ID = UUID(int=2**128 - 1)

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/inbox", dependencies=[Fresh], response_model=InboxPage)
async def read_inbox(
    account_id: CallerAccountId,
    database: Database,
    phone: PhoneFilter,
    after: After = None,
    limit: PageLimit = 100,
) -> dict[str, Any]:
    before, event_id = keys_after(after, _END_OF_TIME, _LAST_ID)
    if phone is None:
        rows, shown = await fetch_page(database, INBOX, account_id, before, event_id, limit=limit)
    else:
        rows, shown = await fetch_page(database, INBOX_OF_PHONE, account_id, phone, before, event_id, limit=limit)
    return page("messages", rows, shown, _shown, "decided_at", "event_id")


def _shown(row: Any) -> dict[str, Any]:
    entry = entry_adapter.validate_json(row["entry"])
    return {
        "event_id": str(entry.event_id),
        "phone": entry.phone,
        "sender_number": entry.sender_number,
        "body": row["body"],
        "part": entry.part.label if entry.part else None,
        "is_whole_text": bool(entry.part and entry.part.joined),
        "received_at": format_time(entry.received_at),
        "decision": {
            "decided_at": format_time(entry.decided_at),
            "answer": entry.kind,
            "reason": entry.reason,
            "rule": entry.rule,
            "rule_version": entry.rule_version,
            "matched_by": entry.matched_by,
            "term": entry.term,
            "attribution": entry.attribution,
            "reach_policy": entry.reach_policy,
            "message_id": entry.message_id,
            "changed": (*entry.changed, *entry.raised),
            "by": entry.by,
        },
    }
