"""ClickSend: `GET /v3/sms/history` for what was sent, `GET /v3/sms/inbound` for replies, with the message they answer.

ClickSend lists a reply at `inbound` only while a rule with the action POLL keeps it there and nobody has marked it as
read, and the audit makes no such rule and marks nothing. Replies that are not there need an export (`--replies`).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import ClassVar

from harness.audit.sources.listed_history import HEADER, IN, OUT, PatientApi, Span, text_of
from services.inbound.poll.lists.listed import objects_in
from shared.errors import TransientError

_PAGE = 100
_MAX_PAGES = 100_000
_OUT_WORDS = frozenset(("out", "outbound", ""))


class ClickSendHistory:
    """The history of a ClickSend account."""

    name: ClassVar[str] = "ClickSend"

    async def pages(self, api: PatientApi, span: Span) -> AsyncIterator[Sequence[Sequence[str]]]:
        dates = {"date_from": int(span.since.timestamp()), "date_to": int(span.until.timestamp())}
        async for rows in _pages(api, "/v3/sms/history", {**dates, "order_by": "date:asc"}):
            yield [_from_history(row) for row in rows]
        async for rows in _pages(api, "/v3/sms/inbound", {}):
            yield [_from_inbound(row) for row in rows]


async def _pages(
    api: PatientApi, path: str, parameters: Mapping[str, str | int]
) -> AsyncIterator[list[dict[str, object]]]:
    for page in range(1, _MAX_PAGES + 1):
        found = await api.get(path, {**parameters, "page": page, "limit": _PAGE})
        yield objects_in(found, "data", "data")
        data = found["data"]
        last = str(data.get("last_page")) if isinstance(data, dict) else ""
        if not last.isdecimal():
            raise TransientError(f"{path} does not say how many pages there are (data.last_page)")
        if page >= int(last):
            return
    raise TransientError(f"{path} has more than {_MAX_PAGES} pages; ask about a shorter time with --since and --until")


def _from_history(row: Mapping[str, object]) -> Sequence[str]:
    is_out = text_of(row, "direction").strip().lower() in _OUT_WORDS
    cells = {
        "direction": OUT if is_out else IN,
        "time": text_of(row, "date") or text_of(row, "timestamp"),
        "id": text_of(row, "message_id"),
        "text": text_of(row, "body"),
        "list": text_of(row, "list_id"),
        "status": text_of(row, "status"),
        "from": text_of(row, "from"),
        "to": text_of(row, "to"),
    }
    return [cells.get(name, "") for name in HEADER]


def _from_inbound(row: Mapping[str, object]) -> Sequence[str]:
    cells = {
        "direction": IN,
        "time": text_of(row, "timestamp"),
        "id": text_of(row, "message_id"),
        "text": text_of(row, "body"),
        "from": text_of(row, "from"),
        "to": text_of(row, "to"),
        "replied_to": text_of(row, "original_message_id"),
    }
    return [cells.get(name, "") for name in HEADER]
