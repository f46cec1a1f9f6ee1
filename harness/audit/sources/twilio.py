"""Twilio: `GET /2010-04-01/Accounts/{sid}/Messages.json`, which has what was sent and what came in."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

from harness.audit.sources.listed_history import HEADER, IN, OUT, PatientApi, Span, text_of
from services.inbound.poll.lists.listed import objects_in
from services.inbound.poll.lists.twilio import TwilioApiCredential
from shared.errors import TransientError

_PAGE = 1_000
_MAX_PAGES = 100_000
_OTHER_CHANNELS = ("whatsapp:", "messenger:", "rcs:")


class TwilioHistory:
    """The history of a Twilio account."""

    name: ClassVar[str] = "Twilio"

    async def pages(self, api: PatientApi, span: Span) -> AsyncIterator[Sequence[Sequence[str]]]:
        credential = api.credential
        assert isinstance(credential, TwilioApiCredential)  # noqa: S101 (the command pairs them)
        path = f"/2010-04-01/Accounts/{credential.account_sid}/Messages.json"
        parameters: dict[str, str | int] = {
            "PageSize": _PAGE,
            "DateSent>": span.since.date().isoformat(),
            # The filter is for whole days.
            "DateSent<": (span.until + timedelta(days=1)).date().isoformat(),
        }
        for _ in range(_MAX_PAGES):
            found = await api.get(path, parameters)
            yield [_row(each) for each in objects_in(found, "messages") if _is_text(each)]
            following = found.get("next_page_uri")
            if not following:
                return
            path, parameters = str(following), {}
        raise TransientError(f"more than {_MAX_PAGES} pages; ask about a shorter time with --since and --until")


def _is_text(row: Mapping[str, object]) -> bool:
    return not any(text_of(row, name).startswith(_OTHER_CHANNELS) for name in ("from", "to"))


def _row(row: Mapping[str, object]) -> Sequence[str]:
    cells = {
        "direction": IN if text_of(row, "direction") == "inbound" else OUT,
        "from": text_of(row, "from"),
        "to": text_of(row, "to"),
        "text": text_of(row, "body"),
        "time": text_of(row, "date_sent") or text_of(row, "date_created"),
        "id": text_of(row, "sid"),
        "status": text_of(row, "status"),
    }
    return [cells.get(name, "") for name in HEADER]
