"""The review queue: messages that look like opt-outs and wait for a person, while nothing is sent to who wrote them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, StringConstraints

from services.optout.api.answers import ReviewPage, TakenReview
from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.errors import ApiError
from services.optout.api.fields import PageLimit, RequestBody
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.requests import Requests
from services.optout.api.runtime import ApiRuntime
from services.optout.decision_log.entry import entry_adapter
from shared.events.base import derived_id, format_time
from shared.events.inbound import ReviewDecided
from shared.phones import settled_phone
from shared.postgres import Connection

# The account's held messages after a given time and id, oldest first, each with the scopes that it holds.
WAITING = """
SELECT s.cause_event_id AS event_id, min(s.changed_at) AS held_at, array_agg(s.scope ORDER BY s.scope) AS scopes,
    (SELECT d.body FROM decisions d WHERE d.event_id = s.cause_event_id) AS body,
    (SELECT d.entry FROM decisions d WHERE d.event_id = s.cause_event_id) AS entry
FROM suppressions s
WHERE s.account_id = $1 AND s.state = 'held' AND (s.changed_at, s.cause_event_id) > ($2, $3)
GROUP BY s.cause_event_id ORDER BY held_at, event_id LIMIT $4
"""

# A message of the account that was held, and whether it still is. What holds has the phone, also where the recipient
# was erased meanwhile and the decision has a pseudonym.
HELD = r"""
SELECT coalesce(holds.phone, d.phone) AS phone, holds.phone IS NOT NULL AS waits
FROM decisions d LEFT JOIN LATERAL (
    SELECT s.phone FROM suppressions s
    WHERE s.account_id = d.account_id AND s.state = 'held' AND s.cause_event_id = d.event_id LIMIT 1
) AS holds ON true
WHERE d.event_id = $1 AND d.account_id = $2 AND replace(d.entry, '\u0000', '\ufffd')::json ->> 'answer' = 'held'
"""

# What was decided of a held message, and by whom: the newest.
DECIDED = r"""
SELECT entry FROM decisions
WHERE account_id = $1 AND phone = ANY($2::text[]) AND replace(entry, '\u0000', '\ufffd')::json ->> 'held_event_id' = $3
    AND replace(entry, '\u0000', '\ufffd')::json ->> 'answer' IN ('confirmed', 'released')
ORDER BY sequence DESC LIMIT 1
"""

_BEGIN_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)

router = APIRouter(route_class=GuardedRoute)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("write a name or an address in printable characters")
    return text


class Reviewer(RequestBody):
    by: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
    ]


@router.get("/v1/review", dependencies=[Fresh], response_model=ReviewPage)
async def read_queue(
    account_id: CallerAccountId, database: Database, after: After = None, limit: PageLimit = 100
) -> dict[str, Any]:
    since, event_id = keys_after(after, _BEGIN_OF_TIME, UUID(int=0))
    rows, shown = await fetch_page(database, WAITING, account_id, since, event_id, limit=limit)
    return page("held", rows, shown, _shown, "held_at", "event_id")


@router.post("/v1/review/{event_id}/confirm", status_code=202, response_model=TakenReview)
async def confirm(
    event_id: UUID, reviewer: Reviewer, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Make it an opt-out."""
    return await _decide(event_id, "confirm", reviewer.by, account_id, database, runtime.requests)


@router.post("/v1/review/{event_id}/release", status_code=202, response_model=TakenReview)
async def release(
    event_id: UUID, reviewer: Reviewer, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Let messages through again."""
    return await _decide(event_id, "release", reviewer.by, account_id, database, runtime.requests)


async def _decide(  # noqa: PLR0913, PLR0917 (what the two routes hand on)
    event_id: UUID,
    decision: Literal["confirm", "release"],
    by: str,
    account_id: str,
    database: Connection,
    requests: Requests,
) -> dict[str, Any]:
    held = await database.fetchrow(HELD, event_id, account_id)
    if held is None:
        raise ApiError(404, "not_found", f"event_id: no message {event_id} was held; see GET /v1/review", "event_id")
    if not held["waits"]:
        raise ApiError(409, "not_held", await _why_not(database, account_id, held["phone"], event_id), "event_id")
    event = ReviewDecided(
        event_id=derived_id(event_id, "review", decision),
        occurred_at=datetime.now(UTC),
        account_id=account_id,
        phone=settled_phone(held["phone"]),
        held_event_id=event_id,
        decision=decision,
        by=by,
    )
    await requests.publish(event)
    return {"event_id": str(event.event_id), "held_event_id": str(event_id), "decision": decision, "by": by}


async def _why_not(database: Connection, account_id: str, phone: str, event_id: UUID) -> str:
    phones = [phone, settled_phone(phone)] if phone.startswith("+") else [phone]
    decided = await database.fetchval(DECIDED, account_id, phones, str(event_id))
    if decided is None:
        return "event_id: it is no longer held, the person has opted out or come back meanwhile; see GET /v1/inbox"
    entry = entry_adapter.validate_json(decided)
    return f"event_id: it was {entry.kind} by {entry.by} at {format_time(entry.decided_at)}"


def _shown(row: Any) -> dict[str, Any]:
    entry = entry_adapter.validate_json(row["entry"])
    return {
        "event_id": str(entry.event_id),
        "phone": entry.phone,
        "sender_number": entry.sender_number,
        "body": row["body"],
        "received_at": format_time(entry.received_at),
        "held_at": format_time(row["held_at"]),
        "scopes": row["scopes"],
        "reason": entry.matched_by,
        "rule": entry.rule,
        "rule_version": entry.rule_version,
        "term": entry.term,
        "start": entry.start,
        "end": entry.end,
        "normalised_by": entry.normalised_by,
        "message_id": entry.message_id,
    }
