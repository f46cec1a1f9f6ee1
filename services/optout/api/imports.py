"""Imports into a list and exports of it, as ClickSend's clients call them."""

import csv
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from services.optout import files
from services.optout.api.authenticate import ACQUIRE_SECONDS
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import RequestBody
from services.optout.api.jobs import job_shown
from services.optout.api.known_list import KnownList, require_list
from services.optout.api.phones import country_of
from services.optout.api.runtime import ApiRuntime, Runtime
from services.optout.api.uploads import file_url, find_upload, safe_name, store_upload, too_many_files
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.list_models import ExportedFile, ImportField, ImportPreview, ImportStarted
from services.optout.api.v3.route import V3Route
from services.optout.contact_columns import COLUMNS, columns_of
from services.optout.csv_rows import Block, BrokenCsvError, delimiter_of
from services.optout.files import StoredFile, TooManyFilesError
from services.optout.jobs import store
from services.optout.jobs.contact_import import CONTACT_IMPORT
from services.optout.jobs.opt_out_import import OPT_OUT_IMPORT
from services.optout.jobs.store import NewJob, TooManyJobsError
from shared.events.base import ListId
from shared.postgres import Connection, connection_from

_PREVIEW_BYTES = 64 * 1024
_MAX_COLUMNS = 100

InputOf: TypeAlias = Callable[[Connection, list[str]], Awaitable[dict[str, Any]]]
"""Returns the input of a job from the first row of its file."""

router = APIRouter(route_class=V3Route)

FieldOrder = Annotated[str, Field(max_length=2_000)] | Annotated[list[str], Field(max_length=_MAX_COLUMNS)]


class FileOfImport(RequestBody):
    """An upload, by its address."""

    file_url: Annotated[str, Field(max_length=2_000)]


class NewImport(FileOfImport):
    """An import to be started; `field_order` names the columns, as a text with commas or as a list."""

    field_order: FieldOrder


@dataclass(frozen=True)
class FirstRow:
    """The first row of a file, with what separates its fields."""

    delimiter: str
    cells: list[str]


@router.post("/v3/lists/{list_id}/import")
async def import_contacts(  # noqa: PLR0913, PLR0917 (what a route is given)
    list_id: ListId,
    new: NewImport,
    request: Request,
    account_id: CallerAccountId,
    database: Database,
    runtime: ApiRuntime,
) -> Envelope[ImportStarted]:
    """Start an import; `GET /v1/jobs/{id}` has its progress and its bad rows. Into the opt-out list it opts out."""
    found = await require_list(database, account_id, list_id)
    stored = await find_upload(request, database, account_id, new.file_url)
    job_id = await start_import(database, found, stored, new.field_order, "field_order")
    runtime.jobs.wake()
    message = "The import has started."
    return success(message, ImportStarted(msg=message, id=str(job_id), ids=[str(job_id)]))


async def start_import(
    database: Connection, into: KnownList, stored: StoredFile, columns: str | list[str], field: str
) -> UUID:
    """Add the job that imports a file into a list; `field` is where the request names the columns.

    Raises:
        ApiError: the columns are not those of the file, or the account has too many jobs.
    """
    try:
        named = columns_of(columns)
    except ValueError as error:
        raise ApiError(422, "invalid", f"{field}: {error}", field) from None
    if into.is_opt_outs:
        named = _of_opt_outs(named, field)
    first = await first_row(database, stored)
    if len(first.cells) < len(named):
        message = f"{field}: it names {len(named)} columns, the file has {len(first.cells)}"
        raise ApiError(422, "invalid", message, field)
    given = {"columns": named, "country": await country_of(database, into.account_id)}
    kind = OPT_OUT_IMPORT if into.is_opt_outs else CONTACT_IMPORT
    return await add_file_job(database, NewJob(kind, into.account_id, given, into.list_id), stored, first)


def _of_opt_outs(columns: list[str | None], field: str) -> list[str | None]:
    """Return the columns that an opt-out from all lists needs."""
    if "phone" not in columns:
        message = f"{field}: this is the opt-out list; name the column of the phone number: `phone`"
        raise ApiError(422, "invalid", message, field)
    return ["phone" if name == "phone" else None for name in columns]


async def add_file_job(database: Connection, new: NewJob, stored: StoredFile, first: FirstRow) -> UUID:
    """Add a job that reads a file.

    Raises:
        ApiError: the account has too many jobs.
    """
    about = {"file_id": stored.file_id, "size_bytes": stored.size_bytes, "delimiter": first.delimiter}
    new = NewJob(new.kind, new.account_id, {**new.input, **about}, new.list_id, total=stored.size_bytes)
    try:
        job_id = await store.add(database, new)
    except TooManyJobsError:
        raise too_many_jobs() from None
    assert job_id is not None  # noqa: S101 (it has no key)
    return job_id


async def import_body(
    request: Request, account_id: str, runtime: Runtime, kind: str, input_of: InputOf
) -> dict[str, Any]:
    """Keep the file in the body, and add the job that reads it; return the job as callers see it.

    Args:
        request: with the file.
        account_id: whose it is.
        runtime: of the API.
        kind: of the job.
        input_of: returns the job's input from the file's first row; a ValueError says what is wrong with that.

    Raises:
        ApiError: the file is not sound, or the account has too many jobs.
    """
    stored, _ = await store_upload(request, runtime.pool, account_id)
    async with connection_from(runtime.pool, ACQUIRE_SECONDS) as connection:
        first = await first_row(connection, stored, "content")
        try:
            given = await input_of(connection, first.cells)
        except ValueError as error:
            raise ApiError(422, "invalid", f"content: {error}", "content") from None
        job_id = await add_file_job(connection, NewJob(kind, account_id, given), stored, first)
        runtime.jobs.wake()
        return await job_shown(connection, account_id, job_id)


def too_many_jobs() -> ApiError:
    message = f"{store.MAX_ACTIVE} jobs of yours are active; wait for one, or cancel one (GET /v1/jobs)"
    return ApiError(429, "slow_down", message, headers={"Retry-After": "10"})


async def first_row(database: Connection, stored: StoredFile, field: str = "file_url") -> FirstRow:
    """Return the first row of a file.

    Raises:
        ApiError: it has none, or is not sound.
    """
    content = await files.read(database, stored.file_id, 0, _PREVIEW_BYTES)
    delimiter = delimiter_of(content.decode(errors="replace"))
    block = Block(content, delimiter, is_last=len(content) == stored.size_bytes)
    try:
        cells = next((row for row in block.rows() if row), None)
    except (BrokenCsvError, csv.Error) as error:
        raise ApiError(422, "invalid", f"{field}: {error}", field) from None
    if cells is None:
        raise ApiError(422, "invalid", f"{field}: the file has no row", field)
    return FirstRow(delimiter, cells)


@router.post("/v3/lists/{list_id}/import-csv-preview")
async def preview_import(
    list_id: ListId, given: FileOfImport, request: Request, account_id: CallerAccountId, database: Database
) -> Envelope[ImportPreview]:
    """Show the first row of an upload."""
    await require_list(database, account_id, list_id)
    first = await first_row(database, await find_upload(request, database, account_id, given.file_url))
    return success("Here is the first row.", ImportPreview(row=first.cells))


@router.get("/v3/lists/{list_id}/import-fields")
async def read_import_fields(
    list_id: ListId, account_id: CallerAccountId, database: Database
) -> Envelope[list[ImportField]]:
    """Show the columns that `field_order` may name."""
    await require_list(database, account_id, list_id)
    return success("Here are the columns.", [ImportField(field=name, label=label) for name, label in COLUMNS.items()])


@router.get("/v3/lists/{list_id}/export")
async def export_list(
    list_id: ListId,
    request: Request,
    account_id: CallerAccountId,
    database: Database,
    filename: Annotated[str | None, Query(max_length=200)] = None,
) -> Envelope[ExportedFile]:
    """Give an address from which the list can be fetched as CSV, for ten minutes and by whoever knows it."""
    await require_list(database, account_id, list_id)
    name = safe_name(filename)
    try:
        token = await files.add_export(database, account_id, name, list_id)
    except TooManyFilesError:
        raise too_many_files() from None
    return success("Here is the address of the file.", ExportedFile(url=file_url(request, token, name)))
