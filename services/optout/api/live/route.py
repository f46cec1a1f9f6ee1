"""`GET /v1/live`: what happens in the account, as server-sent events."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from services.optout.api.context import CallerAccountId
from services.optout.api.errors import ApiError
from services.optout.api.live.counts import KINDS, STEP_SECONDS, LiveCounts
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from shared.http import lifecycle_of

MAX_STREAMS = 1_000
MAX_STREAMS_OF_ACCOUNT = 50
STREAM_SECONDS = 300.0
"""Then the stream ends, and whoever follows asks again: with a session that may have ended."""
_PAUSE_SECONDS = 0.3
"""Between two events: however much happens, a page is drawn a few times a second."""
_AS_EVENTS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_INTEGERS = {"type": "array", "items": {"type": "integer", "minimum": 0}}
_COUNTS = {
    "type": "object",
    "properties": {"is_catching_up": {"type": "boolean"}, **dict.fromkeys(("times", *KINDS), _INTEGERS)},
    "required": ["is_catching_up", "times", *KINDS],
    "additionalProperties": False,
}
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"const": "counts"},
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": _COUNTS},
    },
    "required": ["event", "data"],
}
_EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": _EVENT}}}}
"""Before OpenAPI 3.2, the schema of a stream is that of each of its events."""

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/live", response_class=StreamingResponse, responses=_EVENTS)
async def follow_account(request: Request, account_id: CallerAccountId, runtime: ApiRuntime) -> StreamingResponse:
    """Follow the account: an event `counts` at once, whenever something happens, and every 10 s.

    Its data are the times (seconds since 1970) of the last 15 minutes in steps of 10 s, and how many messages were
    received, opted_out, sent and dropped in each. The stream ends after 5 minutes: connect again.
    """
    counts = runtime.live
    if counts.followers() >= MAX_STREAMS or counts.followers(account_id) >= MAX_STREAMS_OF_ACCOUNT:
        message = "too many follow this account live; close some pages, or try again in a minute"
        raise ApiError(503, "too_many", message, headers={"Retry-After": "60"})
    stopping = lifecycle_of(request.app).stopping
    return StreamingResponse(_events(counts, account_id, stopping), 200, _AS_EVENTS, "text/event-stream")


async def _events(counts: LiveCounts, account_id: str, stopping: asyncio.Event) -> AsyncIterator[str]:
    ends = time.monotonic() + STREAM_SECONDS
    with counts.followed(account_id) as changed:
        while time.monotonic() < ends and not stopping.is_set():
            changed.clear()
            shown = {"is_catching_up": counts.is_catching_up, **counts.series(account_id, time.time())}
            yield f"event: counts\ndata: {json.dumps(shown, separators=(',', ':'))}\n\n"
            await asyncio.sleep(_PAUSE_SECONDS)
            await _first_of(changed, stopping)


async def _first_of(*events: asyncio.Event) -> None:
    """Return when one of the events is set, or after a step."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=STEP_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
