"""CSV as spreadsheets write it, read block by block: pure. A block may end anywhere, also inside a quoted field."""

import csv
import io
from collections.abc import Iterator

MAX_ROW_BYTES = 512 * 1024
_DELIMITERS = ",;\t"
_MAX_FIELD_CHARACTERS = 128 * 1024
_FIRST_LINE_CHARACTERS = 16 * 1024


class BrokenCsvError(ValueError):
    """The file is not sound CSV, or ends too early; nothing of it counts."""


def delimiter_of(text: str) -> str:
    """Return what separates the fields of the first line: spreadsheets write what the country is used to."""
    line = text[:_FIRST_LINE_CHARACTERS].split("\n", 1)[0]
    outside = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


class Block:
    """The rows of one block of a file.

    Args:
        content: UTF-8, from the start of a row on.
        delimiter: between fields.
        is_last: whether the file ends with it.

    Attributes:
        read_bytes: how much of `content` the rows are that were given; the rest belongs to the next block.
    """

    def __init__(self, content: bytes, delimiter: str, *, is_last: bool) -> None:
        end = len(content) if is_last else content.rfind(b"\n") + 1
        self._text = content[:end].decode()
        self._delimiter = delimiter
        self._is_last = is_last
        self._characters = 0
        self._is_long = len(content) > MAX_ROW_BYTES
        self.read_bytes = 0

    def rows(self) -> Iterator[list[str]]:
        """Give the complete rows; an empty line is an empty list.

        Raises:
            BrokenCsvError: a quote is left open, or a row is longer than `MAX_ROW_BYTES`.
        """
        csv.field_size_limit(_MAX_FIELD_CHARACTERS)
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        complete = 0
        try:
            for row in reader:
                complete = self._characters
                yield row
        except csv.Error as error:
            if self._is_last or "unexpected end" not in str(error):
                raise BrokenCsvError(_reason(error)) from None
        self.read_bytes = len(self._text[:complete].encode())
        if complete == 0 and self._is_long:
            raise BrokenCsvError(f"a row is longer than {MAX_ROW_BYTES} bytes: a quote may be left open")

    def _lines(self) -> Iterator[str]:
        for line in io.StringIO(self._text, newline=""):
            self._characters += len(line)
            yield line


def _reason(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return "the file ends inside a quoted field: it was cut off, or a quote is left open"
    return f"a quote is wrong: {error}"
