"""Imports of files by the customer API: the upload and the job, each with a bar on a terminal."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.cli.account_api import ApiLogin
from harness.cli.output import progress_bar
from shared.errors import MisconfiguredError

_CSV = "text/csv"
_LOOK_SECONDS = 0.3
_FIRST_BYTES = 64 * 1024


def import_contacts(api: ApiLogin, file: Path, list_id: int, field_order: str) -> dict[str, Any]:
    """Import contacts into a list; return the job when it has ended."""
    uploaded = _sent(api, "/v3/uploads?convert=csv", file)["data"]
    asked = {"file_url": uploaded["_url"], "field_order": field_order}
    started = api.call(f"/v3/lists/{list_id}/import", asked)["data"]
    return _finished(api, started["id"])


def import_opt_outs(api: ApiLogin, file: Path) -> dict[str, Any]:
    """Import opt-outs; return the job when it has ended."""
    return _finished(api, _sent(api, "/v1/opt-outs/imports", file)["job_id"])


def first_row(file: Path) -> list[str]:
    """Return the names in the first row of a file.

    Raises:
        MisconfiguredError: the row has no names that an import knows.
    """
    from services.optout.contact_columns import columns_of
    from services.optout.csv_rows import Block, delimiter_of

    with file.open("rb") as opened:
        start = opened.read(_FIRST_BYTES)
    text = start.decode("utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors="replace")
    content = f"{text.splitlines()[0] if text else ''}\n".encode()
    cells: list[str] = next(iter(Block(content, delimiter_of(text), is_last=True).rows()), [])
    try:
        columns_of(cells)
    except ValueError as error:
        raise MisconfiguredError(f"{file}: the first row does not name the columns ({error}); use --columns") from None
    return cells


class _CountedFile(io.BufferedReader):
    """A file that reports how much of it has been read."""

    def __init__(self, path: Path, on_read: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path))
        self._on_read = on_read

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self._on_read(len(found))
        return found


def _sent(api: ApiLogin, path: str, file: Path) -> dict[str, Any]:
    size = file.stat().st_size
    with progress_bar() as bar:
        task = bar.add_task("uploading", total=size)
        with _CountedFile(file, lambda count: bar.advance(task, count)) as opened:
            return api.send_file(path, opened, size, _CSV)


def _finished(api: ApiLogin, job_id: str) -> dict[str, Any]:
    """Wait for the end of a job; another process of the API goes on with it if one dies."""
    with progress_bar() as bar:
        task = bar.add_task("importing", total=None)
        while (job := api.call(f"/v1/jobs/{job_id}"))["state"] in {"waiting", "running"}:
            done, total = job["progress"]["done"], job["progress"]["total"]
            bar.update(task, completed=done, total=total)
            time.sleep(_LOOK_SECONDS)
    return job
