"""The rows of a history: messages that were sent, and replies that came back; from any source, in any order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECONDS = 1_000_000


@dataclass
class TimeSpan:
    """The time from the first row of a kind to the last, in microseconds; 0 where there is none."""

    first: int = 0
    last: int = 0

    def take(self, at: int) -> None:
        if at < self.first or not self.first:
            self.first = at
        self.last = max(self.last, at)

    def as_json(self) -> dict[str, str | None]:
        return {
            "from": moment(self.first).isoformat() if self.first else None,
            "to": moment(self.last).isoformat() if self.last else None,
        }

    def __str__(self) -> str:
        return f"{moment(self.first):%Y-%m-%d} to {moment(self.last):%Y-%m-%d}" if self.first else "none"


class HistoryPlace(NamedTuple):
    """The place of a row in what was read, by which a person finds it: rows are counted from 1, as spreadsheets do."""

    source: int
    row: int


class SentRow(NamedTuple):
    """A message; `at` is in microseconds since 1970, and an empty text is not known. It sorts by phone and time."""

    phone: str
    at: int
    id: str
    sender: str
    list_name: str
    text: str
    has_failed: bool
    source: int
    row: int


class ReplyRow(NamedTuple):
    """A reply; `readings` are all numbers that its writer may have, where there are several."""

    phone: str
    at: int
    id: str
    to: str
    replied_to: str
    text: str
    readings: tuple[str, ...]
    source: int
    row: int


class OptInRow(NamedTuple):
    """An opt-in that was given elsewhere, such as by a form; it counts for all lists."""

    phone: str
    at: int
    source: int
    row: int


class PhoneRows(NamedTuple):
    """The rows about one phone."""

    sent: Sequence[SentRow]
    replies: Sequence[ReplyRow]
    opt_ins: Sequence[OptInRow]


def moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


class BadHistoryError(Exception):
    """The history cannot be used; the text is one line that names the file and the fix."""


class BadCellError(ValueError):
    """A row that cannot be used; the text says why."""
