"""The history of an account's messages: pages with filters, and the same as a file."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.export import harmless
from services.optout.api.runtime import ApiRuntime
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.models import Answer
from services.optout.api.v3.paging import AskedPage, Page, public_url
from services.optout.api.v3.route import V3Route
from services.optout.api.v3.sms_models import PRICE
from services.optout.sending.status import SHOWN
from shared.postgres import Pool, connection_from

_PATH = "/v3/sms/history"
_FILE = f"{_PATH}/export.csv"
_ROWS = 2_000
_FIELDS = {
    "date": "extract(epoch FROM m.created_at)::bigint",
    "to": "m.phone",
    "from": "m.sender_number",
    "body": "m.body",
    "status": "m.status",
    "message_id": "m.message_id",
    "list_id": "m.list_id",
    "custom_string": "m.custom_string",
    "country": "m.country",
    "contact_id": "m.contact_id",
    "subaccount_id": "m.subaccount_id",
    "message_parts": "m.parts",
}
"""The fields that can be asked for, with their columns."""
_EQUALS = {name: f"({column})::text" for name, column in _FIELDS.items()}
_MAX_Q_CHARACTERS = 2_000
_LAST_SECOND = 253_402_300_799  # of the year 9999

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


class Exported(Answer):
    url: str


class HistoryFilter(NamedTuple):
    """The messages that are asked for: conditions in SQL, ours, with their values from $2 on; and their order."""

    where: str
    values: list[object]
    order: str

    def query(self, what: str, more: str = "") -> str:
        """Return a query of `what`; nothing of it comes from outside."""
        return (
            f"SELECT {what} FROM messages m"  # noqa: S608
            f" WHERE m.account_id = $1{self.where} {more}"
        )

    def page_query(self) -> str:
        last = len(self.values) + 1
        return self.query("m.*", f"ORDER BY {self.order}, m.message_id OFFSET ${last + 1} LIMIT ${last + 2}")


_Seconds = Annotated[int | None, Query(ge=0, le=_LAST_SECOND)]


def _asked(
    q: Annotated[str | None, Query(max_length=_MAX_Q_CHARACTERS)] = None,
    operator: Annotated[str, Query(max_length=10)] = "AND",
    order_by: Annotated[str | None, Query(max_length=100)] = None,
    date_from: _Seconds = None,
    date_to: _Seconds = None,
) -> HistoryFilter:
    values: list[object] = []
    wanted = []
    for part in (q or "").split(","):
        name, colon, value = part.partition(":")
        if colon and _EQUALS.get(name.strip()) is None:
            raise ApiError(400, "invalid", f"q: {name.strip()!r} is not one of {', '.join(_FIELDS)}", "q")
        if colon:
            values.append(value.strip().replace("\0", ""))
            wanted.append(f"{_EQUALS[name.strip()]} = ${len(values) + 1}")
    where = f" AND ({f' {_operator(operator)} '.join(wanted)})" if wanted else ""
    for moment, sign in ((date_from, ">="), (date_to, "<=")):
        if moment is not None:
            values.append(datetime.fromtimestamp(moment, UTC))
            where += f" AND m.created_at {sign} ${len(values) + 1}"
    return HistoryFilter(where, values, _order(order_by))


def _operator(text: str) -> str:
    if text.upper() not in ("AND", "OR"):
        raise ApiError(400, "invalid", "operator: write AND or OR", "operator")
    return text.upper()


def _order(text: str | None) -> str:
    name, _, direction = (text or "date:desc").partition(":")
    if name == "field_name" or name not in _FIELDS or direction.lower() not in ("", "asc", "desc"):
        message = f"order_by: write a field and asc or desc, such as date:desc; fields: {', '.join(_FIELDS)}"
        raise ApiError(400, "invalid", message, "order_by")
    column = "m.created_at" if name == "date" else _FIELDS[name]
    return f"{column} {direction.upper() or 'ASC'}"


AskedHistory = Annotated[HistoryFilter, Depends(_asked)]


@router.get(_PATH)
async def read_history(
    account_id: CallerAccountId, database: Database, asked: AskedPage, history: AskedHistory
) -> Envelope[Page[HistoryRow]]:
    """Return messages, the newest first where nothing else is asked for."""
    rows = await database.fetch(history.page_query(), account_id, *history.values, asked.offset, asked.limit)
    total = await database.fetchval(history.query("count(*)"), account_id, *history.values)
    return success("Here are your messages.", asked.of([_shown(row) for row in rows], total))


@router.get(f"{_PATH}/export")
async def export_history(request: Request, _: CallerAccountId, __: AskedHistory) -> Envelope[Exported]:
    """Return the address of the same as a CSV file; it takes the account's login, like every other."""
    return success("Here is your file.", Exported(url=str(public_url(request).replace(path=_FILE))))


@router.get(_FILE, include_in_schema=False)
async def read_file(account_id: CallerAccountId, runtime: ApiRuntime, history: AskedHistory) -> StreamingResponse:
    name = {"content-disposition": 'attachment; filename="export.csv"'}
    return StreamingResponse(_lines(runtime.pool, account_id, history), media_type="text/csv", headers=name)


async def _lines(pool: Pool, account_id: str, history: HistoryFilter) -> AsyncIterator[bytes]:
    """Give the file page by page; what is added meanwhile is not in it twice, since the order is by message."""
    names = list(HistoryRow.model_json_schema(by_alias=True)["properties"])
    yield b"\xef\xbb\xbf" + _csv([names])
    query = history._replace(order="m.created_at").page_query()
    offset = 0
    while True:
        async with connection_from(pool) as connection:
            rows = await connection.fetch(query, account_id, *history.values, offset, _ROWS)
        if not rows:
            return
        yield _csv([_cells(row) for row in rows])
        offset += len(rows)


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
