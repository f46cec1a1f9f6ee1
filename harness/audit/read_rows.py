"""From cells to rows of the history: every row that cannot be used is named by its number and the reason."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from harness.audit.columns import Columns
from harness.audit.history import BadCellError, HistoryPlace, OptInRow, ReplyRow, SentRow
from harness.audit.phones import our_number, recipient_phone, writer_phones
from shared.events.base import MAX_BODY_CHARACTERS

MAX_BAD_ROWS_NAMED = 1_000
_IN = frozenset(("in", "inbound", "incoming", "received", "mo", "reply"))
_OUT = frozenset(("out", "outgoing", "sent", "mt"))
_FAILED = frozenset(
    (
        "failed", "undelivered", "undeliverable", "canceled", "cancelled", "cancelledafterreview", "rejected",
        "expired", "error", "bounced", "blocked", "scheduled", "waitapproval", "invalid", "invalid_recipient",
        "insufficient_credit",
    )
)  # fmt: skip
"""The statuses of messages that did not arrive, or have not left."""
_MAX_ID_CHARACTERS = 128


class Reading(NamedTuple):
    """The choices by which cells are read."""

    time_of: Callable[[str], int]
    reply_time_of: Callable[[str], int]
    """The latest moment that a text may mean: a message is after a reply only where that is certain."""
    country: str | None
    is_list_per_sender: bool = False
    """Whether messages without a list are of one for each number that they come from."""


class BadRow(NamedTuple):
    """A row that cannot be used, and why."""

    place: HistoryPlace
    reason: str


class TakesRows(Protocol):
    """The next step: whatever takes the rows of the history."""

    def take_sent(self, row: SentRow) -> None: ...

    def take_reply(self, row: ReplyRow) -> None: ...

    def take_opt_in(self, row: OptInRow) -> None: ...


@dataclass
class BadRows:
    """The rows that cannot be used: how many, and the first of them."""

    count: int = 0
    named: list[BadRow] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, place: HistoryPlace, reason: str) -> None:
        self.count += 1
        if len(self.named) < MAX_BAD_ROWS_NAMED:
            self.named.append(BadRow(place, reason))


class RowReader:
    """A reader of the rows of one source.

    Args:
        columns: of the source.
        source: its number.
        reading: how cells are read.
        taker: takes the rows.
        bad: takes those that cannot be used.
    """

    def __init__(self, columns: Columns, source: int, reading: Reading, taker: TakesRows, bad: BadRows) -> None:
        self._columns = columns
        self._source = source
        self._reading, self._country = reading, reading.country
        self._is_list_per_sender = reading.is_list_per_sender
        self._taker = taker
        self._bad = bad
        self._sent = _getters(columns.sent, ("phone", "sent_at", "from", "list", "id", "text", "status"))
        self._reply = _getters(columns.reply, ("phone", "received_at", "to", "id", "replied_to", "text"))
        self._opt_in = _getters(columns.opt_in, ("phone", "opted_in_at"))

    def read(self, rows: Iterable[Sequence[str]], first_row: int) -> None:
        """Read all rows; the first has this number."""
        width, direction = self._columns.width, self._columns.direction
        read_one = self._read_sent if self._sent else self._read_reply if self._reply else self._read_opt_in
        for number, row in enumerate(rows, first_row):
            if not row:
                continue
            try:
                if len(row) != width:
                    row = _fitting(row, width)  # noqa: PLW2901 (the same row)
                if direction is None:
                    read_one(row, number)
                else:
                    self._read_either(row, row[direction], number)
            except BadCellError as error:
                self._bad.add(HistoryPlace(self._source, number), str(error))

    def _read_either(self, row: Sequence[str], direction: str, number: int) -> None:
        said = direction.strip().lower()
        if said in _OUT or said.startswith("outbound"):
            self._read_sent(row, number)
        elif said in _IN:
            self._read_reply(row, number)
        else:
            raise BadCellError(f"the direction {said[:20]!r} is neither in nor out")

    def _read_sent(self, row: Sequence[str], number: int) -> None:
        phone, at, sender, list_, id_, text, status = (row[place] if place >= 0 else "" for place in self._sent)
        ours = our_number(sender.strip())
        self._taker.take_sent(
            SentRow(
                recipient_phone(phone.strip(), self._country),
                _time(at, self._reading.time_of),
                id_.strip()[:_MAX_ID_CHARACTERS],
                ours,
                list_.strip() or (ours if self._is_list_per_sender else ""),
                text[:MAX_BODY_CHARACTERS],
                bool(status) and status.strip().lower().replace(" ", "_") in _FAILED,
                self._source,
                number,
            )
        )

    def _read_reply(self, row: Sequence[str], number: int) -> None:
        written, at, to, id_, replied_to, text = (row[place] if place >= 0 else "" for place in self._reply)
        ours = our_number(to.strip())
        phones = writer_phones(written.strip(), ours, self._country)
        moment = _time(at, self._reading.reply_time_of)
        for phone in phones:
            # One that names its country is that of the phone as it is written; others may be the same person's.
            is_certain = len(phones) == 1 or (phone == phones[0] and written.lstrip().startswith("+"))
            readings = () if is_certain else phones
            self._taker.take_reply(
                ReplyRow(
                    phone, moment, id_.strip()[:_MAX_ID_CHARACTERS], ours, replied_to.strip()[:_MAX_ID_CHARACTERS],
                    text[:MAX_BODY_CHARACTERS], readings, self._source, number,
                )
            )  # fmt: skip

    def _read_opt_in(self, row: Sequence[str], number: int) -> None:
        phone, at = (row[place] for place in self._opt_in)
        consented = recipient_phone(phone.strip(), self._country), _time(at, self._reading.time_of)
        self._taker.take_opt_in(OptInRow(*consented, self._source, number))


def _time(text: str, time_of: Callable[[str], int]) -> int:
    stripped = text.strip()
    if not stripped:
        raise BadCellError("it has no time")
    return time_of(stripped)


def _getters(places: object, fields: Sequence[str]) -> tuple[int, ...]:
    """Return the place of each field; -1 where the file has none."""
    return tuple(places.get(name, -1) for name in fields) if isinstance(places, dict) else ()


def _fitting(row: Sequence[str], width: int) -> Sequence[str]:
    """Return a row without the empty cells that some exports have at its end.

    A row with too many cells has a text with a separator in it and without quotes: what is cut off might be the STOP.
    """
    if len(row) < width:
        raise BadCellError(f"it has {len(row)} cells, the first row has {width}")
    if any(cell.strip() for cell in row[width:]):
        raise BadCellError(
            f"it has {len(row)} cells, the first row has {width}: a text with a separator in it needs quotes"
        )
    return row[:width]
