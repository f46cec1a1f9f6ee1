"""Exports by the customer API, page by page, to a file or to standard output."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from harness.cli.account_api import ApiLogin
from harness.cli.output import progress_bar
from shared.errors import MisconfiguredError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OPT_OUT_COLUMNS = ("number", "list", "date", "source", "scope", "state", "text")
_PAGE = "1000"


def export_contacts(api: ApiLogin, list_id: int, to: Path | None, *, as_json: bool) -> None:
    """Write the list as the API gives it, or as lines of JSON."""
    with _written(to) as file, progress_bar() as bar:
        task = bar.add_task("exporting", total=None)
        for block in _contacts_as_json(api, list_id) if as_json else _contacts_as_csv(api, list_id):
            file.write(block)
            bar.advance(task, len(block))


def _contacts_as_csv(api: ApiLogin, list_id: int) -> Iterator[bytes]:
    address = api.call(f"/v3/lists/{list_id}/export")["data"]["url"]
    # The API may be reached here by another name than it knows.
    return api.blocks(f"/v3/{address.partition('/v3/')[2]}")


def _contacts_as_json(api: ApiLogin, list_id: int) -> Iterator[bytes]:
    for page in api.pages(f"/v1/lists/{list_id}/contacts", "contacts", {"status": "active", "limit": _PAGE}):
        yield _lines(page)


def export_opt_outs(api: ApiLogin, to: Path | None, *, as_json: bool) -> None:
    """Write the opt-outs as CSV, or as lines of JSON."""
    with _written(to) as file, progress_bar() as bar:
        task = bar.add_task("exporting", total=None)
        if not as_json:
            file.write(_BYTE_ORDER_MARK + _csv([_OPT_OUT_COLUMNS]))
        for page in api.pages("/v1/opt-outs", "opt_outs", {"limit": _PAGE}):
            file.write(_lines(page) if as_json else _csv(_row(each) for each in page if each["state"] == "opted_out"))
            bar.advance(task, len(page))


def _row(opt_out: dict[str, Any]) -> tuple[str, ...]:
    from shared.csv_cells import harmless

    cause = opt_out["cause"] or {}
    cells = (
        opt_out["phone"],
        "" if opt_out["list_id"] is None else str(opt_out["list_id"]),
        opt_out["opted_out_at"],
        cause.get("rule") or "",
        opt_out["scope"],
        opt_out["state"],
        cause.get("body") or "",
    )
    return tuple(harmless(cell) for cell in cells)


def _csv(rows: Any) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _lines(page: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in page).encode()


@contextmanager
def _written(to: Path | None) -> Iterator[BinaryIO]:
    """Lend what is written to: the output, or a file for this user alone, which is there once it is whole."""
    if to is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    new = to.with_name(f"{to.name}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
        new.replace(to)
    except OSError as error:
        raise MisconfiguredError(f"{to}: {error.strerror}") from None
