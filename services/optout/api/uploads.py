"""Files that accounts send for an import, and those that they fetch: each has an address that nobody can guess."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, ClassVar
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.datastructures import URL
from starlette.responses import StreamingResponse

from services.optout import files
from services.optout.api.context import CallingUser, Database
from services.optout.api.errors import ApiError
from services.optout.api.export import exported
from services.optout.api.request_limits import LimitedRequest
from services.optout.api.runtime import ApiRuntime
from services.optout.api.upload_body import CHUNK_BYTES, UPLOAD_SECONDS, UploadRequest, text_chunks
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.models import Answer
from services.optout.api.v3.paging import public_base
from services.optout.api.v3.route import V3Route
from services.optout.files import LIVE_SECONDS, TOKEN_PATTERN, StoredFile, TooManyFilesError
from shared.postgres import Connection, Pool, connection_from

FILES_PATH = "/v3/files"
_OUR_URL = re.compile(rf"https?://([^/?#@]+){FILES_PATH}/({TOKEN_PATTERN})/[^/?#]*")
FILE_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["content"],
                "properties": {"content": {"type": "string", "description": "The file in base64."}},
            }
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        },
        "text/csv": {"schema": {"type": "string"}},
    },
}
"""The body of routes that take a file, for the documentation."""
_MAX_NAME_CHARACTERS = 100
_UNSAFE = re.compile(r"[^\w.() -]+")


class Upload(Answer):
    """A file that was uploaded; `_url` is what an import names."""

    upload_id: int
    user_id: int
    file_name: str
    url: str = Field(alias="_url")
    date_added: int
    date_delete: int


class UploadRoute(V3Route):
    """A route that takes a file in its body."""

    request_type: ClassVar[type[LimitedRequest]] = UploadRequest
    seconds: ClassVar[float] = UPLOAD_SECONDS


uploads = APIRouter(route_class=UploadRoute)
router = APIRouter(route_class=V3Route)


@uploads.post("/v3/uploads", openapi_extra={"requestBody": FILE_BODY})
async def upload(
    request: Request, user: CallingUser, runtime: ApiRuntime, convert: Annotated[str, Query()] = "csv"
) -> Envelope[Upload]:
    """Take a CSV, as base64 in JSON or in a form; it can be imported for ten minutes."""
    if convert != "csv":
        raise ApiError(
            422, "invalid", "convert: only csv is taken; others are for services that there are not here", "convert"
        )
    stored, token = await store_upload(request, runtime.pool, user.account_id)
    at = await _created_at(runtime.pool, stored.file_id)
    made = Upload(
        upload_id=stored.file_id,
        user_id=user.subaccount_id,
        file_name=stored.name,
        url=file_url(request, token, stored.name),
        date_added=at,
        date_delete=at + LIVE_SECONDS,
    )
    return success("The file was uploaded.", made)


async def _created_at(pool: Pool, file_id: int) -> int:
    async with connection_from(pool) as connection:
        query = "SELECT extract(epoch FROM created_at)::bigint FROM files WHERE file_id = $1"
        seconds: int = await connection.fetchval(query, file_id)
    return seconds


async def store_upload(request: Request, pool: Pool, account_id: str) -> tuple[StoredFile, str]:
    """Store the file in a body.

    Raises:
        ApiError: the account has too many, or it is not a text.
    """
    try:
        return await files.store(pool, account_id, "upload.csv", text_chunks(request))
    except TooManyFilesError:
        raise too_many_files() from None


def too_many_files() -> ApiError:
    message = f"there are {files.MAX_LIVE} files of yours; each goes after ten minutes"
    return ApiError(429, "slow_down", message, headers={"Retry-After": "60"})


def file_url(request: Request, token: str, name: str) -> str:
    """Return the address of a file of ours."""
    return f"{public_base(request)}{FILES_PATH}/{token}/{quote(name)}"


def safe_name(name: str | None) -> str:
    """Return the name of a file as a caller wants it, without what has a meaning in a header or a path."""
    return _UNSAFE.sub("_", name or "")[:_MAX_NAME_CHARACTERS].strip(" .") or "export.csv"


async def find_upload(request: Request, database: Connection, account_id: str, url: str) -> StoredFile:
    """Return the account's upload with this address; nothing is ever fetched from an address that a caller names.

    Raises:
        ApiError: it is not an address of ours, or the file is gone.
    """
    ours = _OUR_URL.fullmatch(url)
    if ours is None or ours[1] != URL(public_base(request)).netloc:
        message = "file_url: use the _url of POST /v3/uploads; nothing is fetched from another address"
        raise ApiError(422, "invalid", message, "file_url")
    found = await files.find(database, ours[2])
    if found is None or found.account_id != account_id or found.list_id is not None:
        message = "file_url: there is no such upload; files are kept for ten minutes"
        raise ApiError(422, "invalid", message, "file_url")
    return found


@router.get(FILES_PATH + "/{token}/{name}", include_in_schema=False)
async def fetch(token: str, database: Database, runtime: ApiRuntime) -> StreamingResponse:
    """Give a file to whoever knows its address."""
    found = await files.find(database, token) if re.fullmatch(TOKEN_PATTERN, token) else None
    if found is None:
        raise ApiError(404, "not_found", "there is no such file; files are kept for ten minutes")
    content = (
        _content(runtime.pool, found)
        if found.list_id is None
        else exported(runtime.pool, found.account_id, found.list_id)
    )
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name)}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(content, media_type="text/csv; charset=utf-8", headers=headers)


async def _content(pool: Pool, stored: StoredFile) -> AsyncIterator[bytes]:
    for start in range(0, stored.size_bytes, CHUNK_BYTES):
        async with connection_from(pool) as connection:
            piece = await files.read(connection, stored.file_id, start, start + CHUNK_BYTES)
        yield piece
