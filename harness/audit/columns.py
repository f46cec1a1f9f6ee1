"""The columns of a history, by their names and by those that exports of gateways have."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harness.audit.history import BadHistoryError

_TIMES = (
    "time", "date", "timestamp", "date_sent", "sent_date", "sentdate", "datesent", "sent", "date_created", "created_at",
    "datecreated", "createddate", "datetime", "date_time",
)  # fmt: skip
_PHONES = ("phone", "phone_number", "number", "mobile", "msisdn", "recipient_number")
_TEXTS = ("text", "body", "message", "content", "message_text", "message_body")
_IDS = ("id", "message_id", "messageid", "sid", "message_sid", "messagesid")
_SENT = {
    "phone": ("to", "recipient", "destination", *_PHONES),
    "sent_at": ("sent_at", *_TIMES),
    "from": ("from", "sender", "sender_number", "sender_id", "senderid", "originator"),
    "list": ("list", "list_id", "list_name", "campaign", "campaign_name", "audience", "segment"),
    "id": _IDS,
    "text": _TEXTS,
    "status": ("status", "message_status", "messagestatus", "status_text", "state"),
}
_REPLY = {
    "phone": ("from", "sender", "originator", *_PHONES),
    "received_at": ("received_at", "received", "date_received", "receiveddate", *_TIMES),
    "to": ("to", "recipient", "destination", "inbound_number", "sender_number"),
    "id": _IDS,
    "text": _TEXTS,
    "replied_to": ("replied_to", "original_message_id", "in_reply_to", "replied_message_id"),
}
_OPT_IN = {
    "phone": (*_PHONES, "to", "from"),
    "opted_in_at": ("opted_in_at", "opt_in_at", "consented_at", "consent_date", "subscribed_at", *_TIMES),
}
_FIELDS = {"sent": _SENT, "replies": _REPLY, "opt_ins": _OPT_IN}
_NEEDED = {
    "sent": ("phone", "sent_at"),
    "replies": ("phone", "received_at", "text"),
    "opt_ins": ("phone", "opted_in_at"),
}
_DIRECTION = ("direction",)
FIELDS = tuple(dict.fromkeys((*_SENT, *_REPLY, *_OPT_IN, "direction")))
_SHOWN_CHARACTERS = 40
_NOT_WORD = re.compile(r"[^a-z0-9]+")


class Columns(NamedTuple):
    """The place of each field in a row; None where a file has none of a kind."""

    width: int
    sent: Mapping[str, int] | None
    reply: Mapping[str, int] | None
    opt_in: Mapping[str, int] | None
    direction: int | None


def columns_of(header: Sequence[str], kind: str | None, chosen: Mapping[str, str], name: str) -> Columns:
    """Return the columns of a file.

    Args:
        header: its first row.
        kind: "sent", "replies" or "opt_ins"; None where a column for the direction says which.
        chosen: the file's own name for a field, where it has another one.
        name: of the file, for errors.

    Raises:
        BadHistoryError: a column that is needed is not there.
    """
    names = {_plain(cell): place for place, cell in reversed(list(enumerate(header)))}
    found = {each: _places(names, fields, chosen) for each, fields in _FIELDS.items()}
    direction = _first(names, (chosen["direction"],) if "direction" in chosen else _DIRECTION)
    wanted = [kind] if kind else ["sent", "replies"]
    if kind is None and direction is None:
        raise BadHistoryError(
            f"{name}: no column says which rows were sent: name the file with --sent or --replies, or add a column"
            " `direction` (in, out)"
        )
    for each in wanted:
        _require(_NEEDED[each], found[each], header, name)
    sent, reply, opt_in = (found[each] if each in wanted else None for each in _FIELDS)
    return Columns(len(header), sent, reply, opt_in, direction if kind is None else None)


def _require(needed: Sequence[str], found: Mapping[str, int], header: Sequence[str], name: str) -> None:
    missing = [field for field in needed if field not in found]
    if missing:
        there = ", ".join(_shown(cell) for cell in header[:30])
        raise BadHistoryError(
            f"{name}: there is no column for {' and '.join(missing)}; the first row has {there};"
            f" --column {missing[0]}=NAME says which it is"
        )


def _places(names: Mapping[str, int], fields: Mapping[str, Sequence[str]], chosen: Mapping[str, str]) -> dict[str, int]:
    places = {
        field: _first(names, (chosen[field],) if field in chosen else aliases) for field, aliases in fields.items()
    }
    return {field: place for field, place in places.items() if place is not None}


def _first(names: Mapping[str, int], aliases: Sequence[str]) -> int | None:
    return next((names[_plain(each)] for each in aliases if each and _plain(each) in names), None)


def _shown(cell: str) -> str:
    """Return the name of a column for a terminal: what a file has in it must not move its cursor."""
    return "".join(each for each in cell.strip()[:_SHOWN_CHARACTERS] if each.isprintable()) or "(empty)"


def _plain(name: str) -> str:
    return _NOT_WORD.sub("_", name.strip().lower()).strip("_")
