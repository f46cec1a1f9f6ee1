"""The rows of the history on disk, divided by phone: of any size, in a folder that only this user can read.

A part holds all rows of its phones, so that one part after the other is judged. Of the messages of a part, those to
phones that never replied are passed over as they are read: memory holds one part's replies, and messages to whoever
replied.
"""

import marshal
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.audit.history import BadHistoryError, OptInRow, PhoneRows, ReplyRow, SentRow, TimeSpan

PARTS = 256
_MOST_WAITING = 65_536
_PHONE_DIGITS = 4
_MOST_LISTS = 100_000


def no_room(folder: Path, error: OSError) -> BadHistoryError:
    """Return the error that says that it is not a file of the history which could not be used."""
    return BadHistoryError(f"the temporary folder {folder}: {error.strerror}; TMPDIR names another one")


class Spill:
    """The rows of the history, in files of `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sent: dict[int, list[tuple[Any, ...]]] = {}
        self._replies: dict[int, list[tuple[Any, ...]]] = {}
        self._opt_ins: dict[int, list[tuple[Any, ...]]] = {}
        self._waiting = 0
        self.sent = self.replies = self.opt_ins = 0
        self.sent_span, self.reply_span = TimeSpan(), TimeSpan()
        self.ambiguous: dict[str, int | None] = {}
        """The phones that may have written a reply which others may have written, too."""
        self.lists_of_senders: dict[tuple[str, str], int] = {}
        """When a list was first sent from a number."""

    def take_sent(self, row: SentRow) -> None:
        part = int(row[0][-_PHONE_DIGITS:]) % PARTS
        rows = self._sent.get(part)
        if rows is None:
            rows = self._sent[part] = []
        rows.append(tuple(row))
        self.sent += 1
        if row.list_name:
            key = row.sender, row.list_name
            known = self.lists_of_senders.get(key)
            if known is None or row.at < known:
                self._note_list(key, row.at)
        self.sent_span.take(row.at)
        self._took()

    def _note_list(self, key: tuple[str, str], at: int) -> None:
        self.lists_of_senders[key] = at
        if len(self.lists_of_senders) > _MOST_LISTS:
            raise BadHistoryError(
                f"the column of the list has more than {_MOST_LISTS} names: --column list=NAME says which column it is,"
                " and --column list=none that there is none"
            )

    def take_reply(self, row: ReplyRow) -> None:
        part = int(row[0][-_PHONE_DIGITS:]) % PARTS
        self._replies.setdefault(part, []).append(tuple(row))
        if row.readings:
            self.ambiguous.update(dict.fromkeys(row.readings))
        self.replies += not row.readings or row.readings[0] == row.phone
        self.reply_span.take(row.at)
        self._took()

    def take_opt_in(self, row: OptInRow) -> None:
        part = int(row[0][-_PHONE_DIGITS:]) % PARTS
        self._opt_ins.setdefault(part, []).append(tuple(row))
        self.opt_ins += 1
        self._took()

    def _took(self) -> None:
        self._waiting += 1
        if self._waiting >= _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits in memory."""
        for kind, parts in (("sent", self._sent), ("replies", self._replies), ("opt-ins", self._opt_ins)):
            try:
                self._write(kind, parts)
            except OSError as error:
                raise no_room(self._folder.parent, error) from None
            parts.clear()
        self._waiting = 0

    def _write(self, kind: str, parts: Mapping[int, list[tuple[Any, ...]]]) -> None:
        for part, rows in parts.items():
            with (self._folder / f"{kind}-{part}").open("ab") as file:
                marshal.dump(rows, file)

    def parts(self) -> Iterator[PhoneRows]:
        """Yield the replies of each part, with the messages to those who replied, and their opt-ins."""
        for part in range(PARTS):
            replies = [ReplyRow(*row) for rows in self._chunks(f"replies-{part}") for row in rows]
            phones = {row.phone for row in replies}
            if phones:
                sent = [SentRow(*row) for row in self._rows(f"sent-{part}", phones)]
                yield PhoneRows(sent, replies, [OptInRow(*row) for row in self._rows(f"opt-ins-{part}", phones)])

    def _rows(self, name: str, phones: Container[str]) -> Iterator[tuple[Any, ...]]:
        return (row for rows in self._chunks(name) for row in rows if row[0] in phones)

    def find_first_sent(self) -> None:
        """Find out when each of the ambiguous phones was first sent a message that may have arrived."""
        if not self.ambiguous:
            return
        for part in {int(phone[-_PHONE_DIGITS:]) % PARTS for phone in self.ambiguous}:
            for rows in self._chunks(f"sent-{part}"):
                for row in rows:
                    self._note_first(SentRow(*row))

    def _note_first(self, row: SentRow) -> None:
        if row.phone in self.ambiguous and not row.has_failed:
            known = self.ambiguous[row.phone]
            self.ambiguous[row.phone] = row.at if known is None else min(known, row.at)

    def _chunks(self, name: str) -> Iterator[list[tuple[Any, ...]]]:
        path = self._folder / name
        if not path.exists():
            return
        with path.open("rb") as file:
            while True:
                try:
                    yield marshal.load(file)  # noqa: S302 (written by this process, in a folder of its own)
                except EOFError:
                    return
