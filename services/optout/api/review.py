"""The review queue: messages that look like opt-outs and wait for a person, while nothing is sent to who wrote them.

A decision may be undone for a while where whoever decides asks for that: see `services/optout/api/review_decisions.py`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, Field, StringConstraints

from services.optout.api import review_decisions
from services.optout.api.answers import ReviewPage, TakenReview, UndoneReview
from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.errors import ApiError
from services.optout.api.fields import PageLimit, RequestBody
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.requests import Requests
from services.optout.api.review_decisions import ReviewWord
from services.optout.api.runtime import ApiRuntime
from services.optout.decision_log.entry import entry_adapter
from shared.events.base import format_time
from shared.phones import settled_phone
from shared.postgres import Connection

# The account's held messages after a given time and id, oldest first, each with the scopes that it holds.
WAITING = """
SELECT s.cause_event_id AS event_id, min(s.changed_at) AS held_at, array_agg(s.scope ORDER BY s.scope) AS scopes,
    (SELECT d.body FROM decisions d WHERE d.event_id = s.cause_event_id) AS body,
    (SELECT d.entry FROM decisions d WHERE d.event_id = s.cause_event_id) AS entry,
    min(r.decision) AS decision, min(r.decided_by) AS decided_by, min(r.undo_until) AS undo_until
FROM suppressions s
LEFT JOIN review_decisions r ON r.account_id = s.account_id AND r.held_event_id = s.cause_event_id
WHERE s.account_id = $1 AND s.state = 'held' AND (s.changed_at, s.cause_event_id) > ($2, $3)
GROUP BY s.cause_event_id ORDER BY held_at, event_id LIMIT $4
"""

# What was decided of a held message, and by whom: the newest.
DECIDED = r"""
SELECT entry FROM decisions
WHERE account_id = $1 AND phone = ANY($2::text[]) AND replace(entry, '\u0000', '\ufffd')::json ->> 'held_event_id' = $3
    AND replace(entry, '\u0000', '\ufffd')::json ->> 'answer' IN ('confirmed', 'released')
ORDER BY decided_at DESC, sequence DESC LIMIT 1
"""

_BEGIN_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)

router = APIRouter(route_class=GuardedRoute)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("write a name or an address in printable characters")
    return text


class Reviewer(RequestBody):
    """A person who decides; for `undo_seconds` the decision is not in effect, and can be undone."""

    by: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
    ]
    undo_seconds: Annotated[int, Field(ge=0, le=review_decisions.MAX_UNDO_SECONDS)] = 0


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
    return await _decide(HeldEvent(event_id, account_id), "confirm", reviewer, database, runtime.requests)


@router.post("/v1/review/{event_id}/release", status_code=202, response_model=TakenReview)
async def release(
    event_id: UUID, reviewer: Reviewer, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Let messages through again."""
    return await _decide(HeldEvent(event_id, account_id), "release", reviewer, database, runtime.requests)


@router.post("/v1/review/{event_id}/undo", response_model=UndoneReview)
async def undo_review(event_id: UUID, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Undo a decision that was made with `undo_seconds`; the message was held all the while, and still is."""
    if await database.fetchrow(review_decisions.HELD, event_id, account_id) is None:
        raise _not_found(event_id)
    undone = await review_decisions.undo(database, account_id, event_id)
    if undone is None:
        message = "event_id: there is no decision that can still be undone; GET /v1/review shows what is held"
        raise ApiError(409, "too_late", message, "event_id")
    return {"held_event_id": str(event_id), "undone": undone["decision"], "by": undone["decided_by"]}


class HeldEvent(NamedTuple):
    """A held message, and the account whose it is."""

    event_id: UUID
    account_id: str


async def _decide(
    of: HeldEvent, decision: ReviewWord, reviewer: Reviewer, database: Connection, requests: Requests
) -> dict[str, Any]:
    held = await database.fetchrow(review_decisions.HELD, of.event_id, of.account_id)
    if held is None:
        raise _not_found(of.event_id)
    if not held["waits"]:
        message = await _why_not(database, of.account_id, held["phone"], of.event_id)
        raise ApiError(409, "not_held", message, "event_id")
    now = datetime.now(UTC)
    event = review_decisions.review_event(of.account_id, of.event_id, held["phone"], decision, reviewer.by, now)
    until = await _noted(database, of, decision, reviewer) if reviewer.undo_seconds else None
    if until is None:
        await requests.publish(event)
        await database.execute(review_decisions.FORGET, of.account_id, of.event_id)
    return {
        "event_id": str(event.event_id),
        "held_event_id": str(of.event_id),
        "decision": decision,
        "by": reviewer.by,
        "undo_until": None if until is None else format_time(until),
    }


async def _noted(database: Connection, of: HeldEvent, decision: ReviewWord, reviewer: Reviewer) -> datetime:
    until = await review_decisions.note(
        database, of.account_id, of.event_id, decision, reviewer.by, reviewer.undo_seconds
    )
    if until is None:
        message = "event_id: a decision about it has just come into effect; see GET /v1/inbox"
        raise ApiError(409, "not_held", message, "event_id")
    return until


def _not_found(event_id: UUID) -> ApiError:
    return ApiError(404, "not_found", f"event_id: no message {event_id} was held; see GET /v1/review", "event_id")


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
        "decided": _decided(row),
    }


def _decided(row: Any) -> dict[str, Any] | None:
    if row["decision"] is None:
        return None
    return {"decision": row["decision"], "by": row["decided_by"], "undo_until": format_time(row["undo_until"])}
