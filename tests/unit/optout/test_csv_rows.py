"""CSV in blocks: the same rows wherever a block ends, and a file that was cut off is refused."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.optout.csv_rows import MAX_ROW_BYTES, Block, BrokenCsvError, delimiter_of

CELLS = st.text(st.sampled_from('ab+1é😀",;\n\r '), max_size=6)
TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=8)


def in_blocks(content: bytes, block_bytes: int) -> list[list[str]]:
    rows: list[list[str]] = []
    start, size = 0, block_bytes
    while start < len(content):
        is_last = start + size >= len(content)
        block = Block(content[start : start + size], ",", is_last=is_last)
        rows += block.rows()
        start += block.read_bytes
        size = block_bytes if block.read_bytes else 2 * size
        if is_last:
            break
    return rows


@given(TABLES, st.integers(4, 60), st.sampled_from(["\n", "\r\n"]))
def test_the_rows_are_the_same_wherever_a_block_ends(table: list[list[str]], size: int, end: str) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator=end).writerows(table)
    assert in_blocks(written.getvalue().encode(), size) == table


@pytest.mark.parametrize("content", [b'"+14155550100","Ann\nBob', b'a,b\n"c', b'"a"x,b\n'])
def test_a_quote_left_open_is_refused(content: bytes) -> None:
    with pytest.raises(BrokenCsvError):
        list(Block(content, ",", is_last=True).rows())


def test_a_quote_left_open_in_a_large_file_is_found_before_its_end() -> None:
    with pytest.raises(BrokenCsvError):
        list(Block(b'"a' + b"x\n" * MAX_ROW_BYTES, ",", is_last=False).rows())


@pytest.mark.parametrize(
    ("line", "delimiter"), [("a,b", ","), ("a;b;c,d", ";"), ("a\tb", "\t"), ('"a,b,c";d', ";"), ("a", ",")]
)
def test_the_delimiter_is_found_in_the_first_line(line: str, delimiter: str) -> None:
    assert delimiter_of(f"{line}\n1,2,3,4,5") == delimiter
