"""The report of an audit: a page, the findings as CSV, the numbers as JSON; for this user alone."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from harness.audit.findings_csv import FindingsWriter
from harness.audit.history import BadHistoryError
from harness.audit.page import page
from harness.audit.run import Audit

PAGE, FINDINGS, SUMMARY = "audit.html", "findings.csv", "audit.json"
_BYTE_ORDER_MARK = "\ufeff"


def write_report(
    audit: Audit, folder: Path, made_at: datetime, on_part: Callable[[float], None], *, is_masked: bool
) -> None:
    """Judge what was read, and write the three files.

    Raises:
        BadHistoryError: the folder cannot be written to.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _private(folder / FINDINGS) as file:
            file.write(_BYTE_ORDER_MARK)
            writer = FindingsWriter(file, list(audit.summary.sources), is_masked=is_masked)
            for finding in audit.judge(on_part):
                writer.write(finding)
        with _private(folder / PAGE) as file:
            file.write(page(audit.summary, made_at, is_masked=is_masked))
        with _private(folder / SUMMARY) as file:
            json.dump({"made_at": made_at.isoformat(), **audit.summary.as_json()}, file, indent=2)
    except OSError as error:
        raise BadHistoryError(f"--out {folder}: {error.strerror}") from None


@contextmanager
def _private(path: Path) -> Iterator[IO[str]]:
    """Lend a file that takes the place of `path` once it is whole; nothing is left of one that does not get so far."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
