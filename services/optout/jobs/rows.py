"""The first part of every import: a file is read and checked block by block, before anything of it counts."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.optout import files
from services.optout.contact_columns import BadRowError, is_header
from services.optout.csv_rows import Block, BrokenCsvError
from services.optout.jobs import store
from services.optout.jobs.job import AccountJob, JobFailedError
from shared.postgres import Pool, connection_from

BLOCK_BYTES = 4 * 1024 * 1024
MAX_REPORTED = 1_000
"""Bad rows that the result names; all are counted."""

LineOf = Callable[[list[str]], str]


@dataclass
class RowsRead:
    """The rows of a block: `lines` of the good ones, and which are bad."""

    lines: list[str] = field(default_factory=list)
    bad: list[dict[str, Any]] = field(default_factory=list)
    bad_rows: int = 0
    rows: int = 0
    read_bytes: int = 0
    next_row: int = 1


def read_rows(
    block: Block, columns: Sequence[str | None], line_of: LineOf, first_row: int, *, may_end: bool
) -> RowsRead:
    """Read a block: pure.

    Args:
        block: of the file.
        columns: of its rows.
        line_of: returns the line that is kept of a row, or raises BadRowError.
        first_row: the number of the block's first row; the file's first is 1, and may be a header.
        may_end: whether the file may end after its last row, however short that is: it ends with a line's end.

    Raises:
        BrokenCsvError: nothing of the file counts.
    """
    read = RowsRead()
    row: list[str] = []
    number = first_row - 1
    for row in block.rows():
        number += 1
        if not row or (number == 1 and is_header(row, columns)):
            continue
        read.rows += 1
        try:
            read.lines.append(line_of(row))
        except BadRowError as error:
            read.bad_rows += 1
            if error.line is not None:
                read.lines.append(error.line)
            if len(read.bad) < MAX_REPORTED:
                read.bad.append({"row": number, "reason": str(error)})
    if not may_end and len(row) < len(columns):
        raise BrokenCsvError(f"the file ends in the middle of row {number}: it was cut off")
    read.read_bytes = block.read_bytes
    read.next_row = number + 1
    return read


async def read_block(pool: Pool, job: AccountJob, columns: Sequence[str | None], line_of: LineOf) -> AccountJob:
    """Do one step: read a block of the job's file, and keep its lines in a chunk.

    The job's `place` has `byte`, `row`, `chunks` and `lines` (not counting empty ones) afterwards, and `is_read` after
    the last block; its result has counts and the first bad rows.

    Raises:
        JobFailedError: the file is not sound; nothing of it counts.
    """
    file_id, size_bytes = job.input["file_id"], job.input["size_bytes"]
    start, row, chunks = (job.place.get(name, first) for name, first in (("byte", 0), ("row", 1), ("chunks", 0)))
    async with connection_from(pool) as connection:
        content = await files.read(connection, file_id, start, start + BLOCK_BYTES)
    end = start + len(content)
    if end < min(start + BLOCK_BYTES, size_bytes):
        raise JobFailedError("the file is gone; upload it again")
    is_last = end == size_bytes
    block = Block(content, job.input["delimiter"], is_last=is_last)
    may_end = not is_last or content.endswith((b"\n", b"\r"))
    try:
        read = await asyncio.to_thread(read_rows, block, columns, line_of, row, may_end=may_end)
    except BrokenCsvError as error:
        raise JobFailedError(str(error)) from None
    async with connection_from(pool) as connection:
        await store.add_chunk(connection, job.job_id, chunks, "".join(read.lines).encode())
    lines = job.place.get("lines", 0) + sum(map(bool, read.lines))
    place = {
        "byte": start + read.read_bytes,
        "row": read.next_row,
        "chunks": chunks + 1,
        "lines": lines,
        "is_read": is_last,
    }
    return job.moved(place, done=place["byte"]).with_result(_counted(job.result, read))


def _counted(result: Any, read: RowsRead) -> dict[str, Any]:
    return {
        "rows": result.get("rows", 0) + read.rows,
        "good_rows": result.get("good_rows", 0) + len(read.lines),
        "bad_rows": result.get("bad_rows", 0) + read.bad_rows,
        "bad": [*result.get("bad", ()), *read.bad][:MAX_REPORTED],
    }
