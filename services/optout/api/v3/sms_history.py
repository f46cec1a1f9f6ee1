"""The history of an account's messages: pages with filters, and the same as a file."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.optout.api.context import CallerAccountId, Database
from services.optout.api.runtime import ApiRuntime
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.filters import Filter, FilterFields, as_shown, filter_by_time
from services.optout.api.v3.list_models import ExportedFile
from services.optout.api.v3.models import Answer
from services.optout.api.v3.paging import AskedPage, Page, public_url
from services.optout.api.v3.route import V3Route
from services.optout.api.v3.sms_models import PRICE
from services.optout.sending.status import SHOWN
from shared.csv_cells import harmless
from shared.postgres import Pool, connection_from

_PATH = "/v3/sms/history"
_FILE = f"{_PATH}/export.csv"
ROWS_AT_ONCE = 2_000
_FIELDS = FilterFields(
    {
        "date": "extract(epoch FROM m.created_at)::bigint",
        "to": "m.phone",
        "from": "m.sender_number",
        "body": "m.body",
        "status": as_shown("m.status", {status: shown.name for status, shown in SHOWN.items()}),
        "message_id": "m.message_id",
        "list_id": "m.list_id",
        "custom_string": "m.custom_string",
        "country": "m.country",
        "contact_id": "m.contact_id",
        "subaccount_id": "m.subaccount_id",
        "message_parts": "m.parts",
    },
    default_order="date:desc",
    order={"date": "m.created_at"},
)

router = APIRouter(route_class=V3Route)


class HistoryRow(Answer):
    """A message and its outcome."""

    direction: str = "out"
    date: int
    recipient: str = Field(alias="to")
    body: str
    status: str
    sender: str = Field(alias="from")
    schedule: str
    status_code: str
    status_text: str
    error_code: str | None
    error_text: str | None
    message_id: str
    message_parts: int
    message_price: str = PRICE
    from_email: str
    list_id: str | None
    custom_string: str
    contact_id: str
    user_id: int
    subaccount_id: int
    country: str
    carrier: str = ""
    first_name: str | None
    last_name: str | None
    api_username: str = Field(alias="_api_username")


def _query(history: Filter, what: str, more: str = "") -> str:
    """Return a query of `what`; nothing of it comes from outside."""
    return f"SELECT {what} FROM messages m WHERE m.account_id = $1{history.where} {more}"  # noqa: S608


AskedHistory = Annotated[Filter, Depends(filter_by_time(_FIELDS, "m.created_at"))]


@router.get(_PATH)
async def read_history(
    account_id: CallerAccountId, database: Database, asked: AskedPage, history: AskedHistory
) -> Envelope[Page[HistoryRow]]:
    """Return messages, the newest first where nothing else is asked for."""
    next_value = len(history.values) + 2
    page = f"ORDER BY {history.order}, m.message_id OFFSET ${next_value} LIMIT ${next_value + 1}"
    rows = await database.fetch(_query(history, "m.*", page), account_id, *history.values, asked.offset, asked.limit)
    total = await database.fetchval(_query(history, "count(*)"), account_id, *history.values)
    return success("Here are your messages.", asked.of([_shown(row) for row in rows], total))


@router.get(f"{_PATH}/export")
async def export_history(request: Request, _: CallerAccountId, __: AskedHistory) -> Envelope[ExportedFile]:
    """Return the address of the same as a CSV file; it takes the account's login, like every other."""
    return success("Here is your file.", ExportedFile(url=str(public_url(request).replace(path=_FILE))))


@router.get(_FILE, response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def read_file(account_id: CallerAccountId, runtime: ApiRuntime, history: AskedHistory) -> StreamingResponse:
    name = {"content-disposition": 'attachment; filename="export.csv"'}
    return StreamingResponse(_lines(runtime.pool, account_id, history), media_type="text/csv", headers=name)


async def _lines(pool: Pool, account_id: str, history: Filter) -> AsyncIterator[bytes]:
    """Give the file in pieces by keyset, the oldest message first: no row is missing or twice."""
    yield b"\xef\xbb\xbf" + _csv([list(HistoryRow.model_json_schema(by_alias=True)["properties"])])
    next_value = len(history.values) + 2
    query = _query(
        history,
        "m.*",
        f"AND (m.created_at, m.message_id) > (${next_value}, ${next_value + 1})"
        f" ORDER BY m.created_at, m.message_id LIMIT {ROWS_AT_ONCE}",
    )
    last = datetime.min.replace(tzinfo=UTC), ""
    while True:
        async with connection_from(pool) as connection:
            rows = await connection.fetch(query, account_id, *history.values, *last)
        if not rows:
            return
        yield _csv([_cells(row) for row in rows])
        last = rows[-1]["created_at"], rows[-1]["message_id"]


def _cells(row: Any) -> list[str]:
    shown = _shown(row).model_dump(by_alias=True)
    return [harmless("" if value is None else str(value)) for value in shown.values()]


def _csv(rows: list[list[str]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _shown(row: Any) -> HistoryRow:
    shown = SHOWN[row["status"]]
    has_failed = shown.name == "Failed"
    return HistoryRow(
        date=int(row["created_at"].timestamp()),
        recipient=row["phone"],
        body=row["body"],
        status=shown.name,
        sender=row["sender_number"],
        schedule=str(int(row["schedule"].timestamp())) if row["schedule"] else "",
        status_code=str(shown.code),
        status_text=row["status"],
        error_code=row["status"] if has_failed else None,
        error_text=row["error"] if has_failed else None,
        message_id=row["message_id"],
        message_parts=row["parts"],
        from_email=row["from_email"] or "",
        list_id=str(row["list_id"]) if row["has_list"] else None,
        custom_string=row["custom_string"],
        contact_id=str(row["contact_id"] or ""),
        user_id=row["user_id"],
        subaccount_id=row["subaccount_id"],
        country=row["country"],
        first_name=None,
        last_name=None,
        api_username=row["account_id"],
    )
