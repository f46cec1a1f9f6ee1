"""Exports as CSV, made while they are read: a list, and the opt-out list by its filters."""

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.export import csv_lines, exported
from services.optout.api.fields import MAX_ID
from services.optout.api.known_list import require_list
from services.optout.api.opt_out_filters import AskedOptOuts, OptOutFilters
from services.optout.api.opt_outs import END_OF_TIME, NEWEST_FIRST
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from shared.csv_cells import harmless
from shared.events.base import ListId, format_time
from shared.postgres import Pool, connection_from

_ROWS = 2_000
_MARK = b"\xef\xbb\xbf"
"""Spreadsheets need it to read UTF-8."""
_OPT_OUT_COLUMNS = (
    "phone", "list", "scope", "state", "opted_out_at", "how", "by", "sender_number", "text", "rule", "event_id"
)  # fmt: skip
_AS_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}

router = APIRouter(route_class=GuardedRoute)


@router.get("/v1/lists/{list_id}/export", response_class=StreamingResponse, responses=_AS_CSV)
async def export_contacts(
    list_id: ListId, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> StreamingResponse:
    """The list's contacts who have not opted out, as CSV; of the opt-out list its opt-outs.

    The column `status` is `held` for contacts who may have opted out: nobody may message them until that is decided.
    """
    await require_list(database, account_id, list_id)
    return _streamed(exported(runtime.pool, account_id, list_id, with_status=True), f"list-{list_id}.csv")


@router.get("/v1/opt-outs/export", dependencies=[Fresh], response_class=StreamingResponse, responses=_AS_CSV)
async def export_opt_outs(filters: AskedOptOuts, runtime: ApiRuntime) -> StreamingResponse:
    """The opt-outs that the filters name, newest first, as CSV."""
    return _streamed(_opt_outs(runtime.pool, filters), "opt-outs.csv")


def _streamed(content: AsyncIterator[bytes], name: str) -> StreamingResponse:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(content, media_type="text/csv; charset=utf-8", headers=headers)


async def _opt_outs(pool: Pool, filters: OptOutFilters) -> AsyncIterator[bytes]:
    yield _MARK + csv_lines([list(_OPT_OUT_COLUMNS)])
    after = (END_OF_TIME, MAX_ID)
    while True:
        query, values = filters.query(NEWEST_FIRST, *after)
        async with connection_from(pool, ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(query, *values, _ROWS)
        if not rows:
            return
        after = rows[-1]["changed_at"], rows[-1]["suppression_id"]
        yield csv_lines([_cells(row) for row in rows])


def _cells(row: Any) -> list[str]:
    said = json.loads(row["entry"] or "{}")
    cells = (
        row["phone"],
        row["list_name"],
        row["scope"],
        row["state"],
        format_time(row["changed_at"]),
        row["source"] or "reply",
        said.get("by"),
        said.get("sender_number"),
        row["body"],
        said.get("rule"),
        str(row["cause_event_id"]),
    )
    return [harmless(cell or "") for cell in cells]
