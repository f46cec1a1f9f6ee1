"""Imports of contacts, in two steps: the file is taken and its first rows are shown, then its columns are named."""

import csv
from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Path, Request
from pydantic import Field

from services.optout import files
from services.optout.api.answers import ShownJob
from services.optout.api.answers_about_files import ShownUpload
from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import RequestBody
from services.optout.api.imports import FieldOrder, start_import
from services.optout.api.jobs import job_shown
from services.optout.api.known_list import require_list
from services.optout.api.request_limits import GuardedRoute, LimitedRequest
from services.optout.api.runtime import ApiRuntime
from services.optout.api.upload_body import UPLOAD_SECONDS, UploadRequest
from services.optout.api.uploads import FILE_BODY, store_upload
from services.optout.contact_columns import guessed_columns, is_header
from services.optout.csv_rows import Block, BrokenCsvError, delimiter_of
from services.optout.files import TOKEN_PATTERN, StoredFile
from shared.events.base import ListId
from shared.postgres import Connection, connection_from

_PREVIEW_BYTES = 64 * 1024
_PREVIEW_ROWS = 6
_MAX_CELL_CHARACTERS = 200


class ContactFileRoute(GuardedRoute):
    """A route that takes a file of contacts in its body."""

    request_type: ClassVar[type[LimitedRequest]] = UploadRequest
    seconds: ClassVar[float] = UPLOAD_SECONDS


contact_files = APIRouter(route_class=ContactFileRoute)
router = APIRouter(route_class=GuardedRoute)

UploadId = Annotated[str, Path(pattern=f"^{TOKEN_PATTERN}$")]


class NewContactImport(RequestBody):
    """An import: `columns` names the columns of the file in their order; `skip` leaves one out."""

    upload_id: Annotated[str, Field(pattern=f"^{TOKEN_PATTERN}$")]
    columns: FieldOrder


@contact_files.post(
    "/v1/uploads", status_code=201, openapi_extra={"requestBody": FILE_BODY}, response_model=ShownUpload
)
async def create_upload(request: Request, account_id: CallerAccountId, runtime: ApiRuntime) -> dict[str, Any]:
    """Take a CSV, and show its first rows with what their columns look like; it can be imported for ten minutes."""
    stored, token = await store_upload(request, runtime.pool, account_id)
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        return await _shown(connection, stored, token)


@router.get("/v1/uploads/{upload_id}", response_model=ShownUpload)
async def read_upload(upload_id: UploadId, account_id: CallerAccountId, database: Database) -> dict[str, Any]:
    """Show an upload again, while it is kept."""
    return await _shown(database, await _find(database, account_id, upload_id), upload_id)


@router.post("/v1/lists/{list_id}/imports", status_code=202, response_model=ShownJob)
async def create_import(
    list_id: ListId, new: NewContactImport, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Start an import; `GET /v1/jobs/{job_id}` has its progress and its bad rows. Into the opt-out list it opts out."""
    found = await require_list(database, account_id, list_id)
    stored = await _find(database, account_id, new.upload_id)
    job_id = await start_import(database, found, stored, new.columns, "columns")
    runtime.jobs.wake()
    return await job_shown(database, account_id, job_id)


async def _find(database: Connection, account_id: str, upload_id: str) -> StoredFile:
    found = await files.find(database, upload_id)
    if found is None or found.account_id != account_id or found.list_id is not None:
        message = "upload_id: there is no such upload; files are kept for ten minutes, upload it again"
        raise ApiError(404, "not_found", message, "upload_id")
    return found


async def _shown(database: Connection, stored: StoredFile, token: str) -> dict[str, Any]:
    content = await files.read(database, stored.file_id, 0, _PREVIEW_BYTES)
    rows = first_rows(content, is_all=len(content) == stored.size_bytes)
    columns = guessed_columns(rows)
    return {
        "upload_id": token,
        "size_bytes": stored.size_bytes,
        "rows": [[cell[:_MAX_CELL_CHARACTERS] for cell in row] for row in rows],
        "columns": [name or "skip" for name in columns],
        "has_header": bool(rows) and is_header(rows[0], columns),
    }


def first_rows(content: bytes, *, is_all: bool) -> Sequence[list[str]]:
    """Return the first rows of a file.

    Raises:
        ApiError: it has none, or is not sound.
    """
    block = Block(content, delimiter_of(content.decode(errors="replace")), is_last=is_all)
    try:
        rows = list(islice((row for row in block.rows() if row), _PREVIEW_ROWS))
    except (BrokenCsvError, csv.Error) as error:
        raise ApiError(422, "invalid", f"content: {error}", "content") from None
    if not rows:
        raise ApiError(422, "invalid", "content: the file has no row", "content")
    return rows
