"""Lines of a file of replies, and how many of each kind were decided as their author wants."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.errors import MisconfiguredError

MAX_LINE_BYTES = 256_000
MAX_LINES = 1_000_000
MAX_KINDS = 500
MAX_KIND_CHARACTERS = 60
ANSWERS = ("opt_out", "held", "opt_in", "help", "none")
_EXPECTED = 'write {"text": "…"}, with "instruction" for the message that is answered, "kind" and "want" for a table'
_REQUESTS = frozenset(("opt_out", "held"))


@dataclass(frozen=True, slots=True)
class LabelledReply:
    """A line of a file: a reply, what it answers, and, if it is labelled, its kind and the answer that is wanted."""

    text: str
    instruction: str | None
    kind: str = ""
    want: str = ""


def read_replies(name: str, instruction: str | None) -> Iterator[LabelledReply]:
    """Yield the replies of a file, or of standard input (`-`).

    Raises:
        MisconfiguredError: a line is not a reply, is too long, or is labelled where the first is not; names it. The
            replies before it are yielded.
    """
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            yield from _replies(name, file, instruction)
    except OSError as error:
        raise MisconfiguredError(f"{name}: {error.strerror}") from None


def _replies(name: str, file: BinaryIO, instruction: str | None) -> Iterator[LabelledReply]:
    is_labelled: bool | None = None
    for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), 1):
        where = f"{name}, line {number}"
        if number > MAX_LINES:
            raise MisconfiguredError(f"{name} has more than {MAX_LINES:,} lines; divide it")
        if len(line) > MAX_LINE_BYTES:
            raise MisconfiguredError(f"{where} has more than {MAX_LINE_BYTES:,} bytes; {_EXPECTED}")
        if not line.strip():
            continue
        reply = _reply(where, line, instruction)
        if is_labelled is None:
            is_labelled = bool(reply.kind)
        if is_labelled != bool(reply.kind):
            raise MisconfiguredError(f"{where}: all lines have kind and want, or none has; {_EXPECTED}")
        yield reply


def _reply(where: str, line: bytes, instruction: str | None) -> LabelledReply:
    try:
        given = json.loads(line.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError) as error:
        raise MisconfiguredError(f"{where} is not JSON ({error}); {_EXPECTED}") from None
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise MisconfiguredError(f"{where} has no text; {_EXPECTED}")
    own = given.get("instruction")
    if own is not None and not isinstance(own, str):
        raise MisconfiguredError(f"{where}: its instruction is not a text; {_EXPECTED}")
    answered = own if own is not None else instruction
    kind, want = given.get("kind"), given.get("want")
    if kind is None and want is None:
        return LabelledReply(given["text"], answered)
    if not isinstance(kind, str) or not 0 < len(kind) <= MAX_KIND_CHARACTERS or not kind.isprintable():
        raise MisconfiguredError(f"{where}: its kind is not a name of 1 to {MAX_KIND_CHARACTERS} characters")
    if want not in ANSWERS:
        raise MisconfiguredError(f"{where}: its want is none of {', '.join(ANSWERS)}")
    return LabelledReply(given["text"], answered, kind, want)


class ConfusionTable:
    """The counts of answers, for each kind and each answer that is wanted.

    A request that is held is found: `opt_out` for `held` and the other way round count as right. The columns show both.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(ANSWERS, 0))

    def add(self, reply: LabelledReply, answer: str) -> None:
        """Count an answer.

        Raises:
            MisconfiguredError: there are too many kinds.
        """
        self._counts[reply.kind, reply.want][answer] += 1
        if len(self._counts) > MAX_KINDS:
            raise MisconfiguredError(f"there are more than {MAX_KINDS} kinds; give fewer")

    def rows(self) -> list[dict[str, str | int]]:
        """Return a row for each kind and wanted answer, and one for all of them at the end."""
        rows = [self._row(kind, want, counts) for (kind, want), counts in sorted(self._counts.items())]
        names = ("lines", "right", *ANSWERS)
        total = {name: sum(int(row[name]) for row in rows) for name in names}
        return [*rows, {"kind": "all", "want": "", **total}]

    def _row(self, kind: str, want: str, counts: dict[str, int]) -> dict[str, str | int]:
        right = _REQUESTS if want in _REQUESTS else {want}
        return {
            "kind": kind,
            "want": want,
            "lines": sum(counts.values()),
            "right": sum(counts[each] for each in right),
            **counts,
        }

    def as_text(self) -> str:
        """Return the table for people: columns under their names."""
        names = ("kind", "want", "lines", "right", *ANSWERS)
        rows = self.rows()
        cells = [names, *(tuple(str(row[name]) for name in names) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for cell in cells:
            words = [f"{text:<{width}}" for text, width in zip(cell[:2], widths[:2], strict=True)]
            figures = [f"{text:>{width}}" for text, width in zip(cell[2:], widths[2:], strict=True)]
            lines.append("  ".join([*words, *figures]).rstrip())
        return "\n".join(lines)
