"""CSV as exports and spreadsheets write it: in UTF-8 or UTF-16, marked or not, or with letters of Windows-1252."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from harness.audit.history import BadHistoryError
from services.optout.csv_rows import delimiter_of

MAX_CELL_CHARACTERS = 128 * 1024
_ROWS_BETWEEN_LOOKS = 16_384
_FIRST_BYTES = 64 * 1024
_FALLBACK = "stopline-windows-1252"
_SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\r?\n", re.IGNORECASE)
"""What Excel reads and writes before the first row."""
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")
"""How workbooks of either kind and compressed files begin."""
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Read bytes that are not UTF-8 as the one-byte letters that they nearly always are."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error(_FALLBACK, _as_windows_1252)


@contextmanager
def rows_of(path: Path, encoding: str | None, on_bytes: Callable[[int], None]) -> Iterator[Iterator[list[str]]]:
    """Lend the rows of a file, one after the other; empty lines are empty lists.

    Args:
        path: of the file.
        encoding: None to find out.
        on_bytes: is called now and then with how much of it was read.

    Raises:
        BadHistoryError: it cannot be read, or a quote in it is left open or not doubled.
    """
    try:
        with path.open("rb") as file:
            start = _start_of(file, path)
            text = io.TextIOWrapper(file, encoding or _encoding_of(start), errors=_errors_of(encoding), newline="")
            delimiter = _delimiter_in(start.decode(text.encoding, errors="replace"))
            yield _rows(text, delimiter, path.name, lambda: on_bytes(file.tell()))
    except (OSError, LookupError) as error:
        raise BadHistoryError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    except UnicodeError as error:
        raise BadHistoryError(f"{path}: it is not in the encoding {encoding or 'UTF-16'} ({error})") from None


def _rows(text: io.TextIOWrapper, delimiter: str, name: str, look: Callable[[], None]) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    reader = csv.reader(text, delimiter=delimiter, strict=True)  # else an open quote ends with the file, silently
    ended_at = 0
    try:
        for number, row in enumerate(reader):
            ended_at = reader.line_num
            yield row
            if number % _ROWS_BETWEEN_LOOKS == 0:
                look()
    except csv.Error as error:
        raise BadHistoryError(
            f"{name}, line {ended_at + 1}: a quote is left open there, or one within a text is not doubled ({error})"
        ) from None


def is_separator_line(row: list[str]) -> bool:
    """Say whether a row is the line by which Excel knows the separator."""
    return bool(row) and row[0].lower().startswith("sep=") and not any(row[1:])


def _start_of(file: BinaryIO, path: Path) -> bytes:
    if not file.seekable():
        raise BadHistoryError(f"{path}: it is a pipe, and is read more than once: write it to a file first")
    start = file.read(_FIRST_BYTES)
    file.seek(0)
    if start.startswith(_ARCHIVES):
        raise BadHistoryError(f"{path}: it is a workbook or a compressed file: export it as CSV, or unpack it")
    return start


def _delimiter_in(text: str) -> str:
    first = text.lstrip("\ufeff\r\n")
    said = _SEPARATOR_LINE.match(first)
    return said[1] if said else delimiter_of(first)


def _encoding_of(start: bytes) -> str:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    zeros = start[:1000:2].count(0), start[1:1000:2].count(0)
    if max(zeros) > len(start[:1000]) / 8:  # letters of Latin alphabets have a zero beside them in UTF-16
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return "utf-8"


def _errors_of(encoding: str | None) -> str:
    return _FALLBACK if encoding is None else "strict"
