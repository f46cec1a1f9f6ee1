"""Files of accounts in Postgres, in chunks, so that every instance has them and none holds a whole one."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.postgres import Connection, Pool, connection_from

LIVE_SECONDS = 600
"""How long a file can be fetched or imported."""
MAX_LIVE = 50
"""Of one account."""
TOKEN_PATTERN = r"[A-Za-z0-9_-]{43}"  # noqa: S105 (what one looks like)
_TOKEN_BYTES = 32
_UPLOAD_SECONDS = 3600

_COUNT = "SELECT count(*) FROM files WHERE account_id = $1 AND expires_at > now()"

_ADD = """
INSERT INTO files (token, account_id, name, list_id, size_bytes, expires_at)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) RETURNING file_id
"""

_APPEND = "INSERT INTO file_chunks (file_id, start_byte, content) VALUES ($1, $2, $3)"

_COMPLETE = """
UPDATE files SET size_bytes = $2, created_at = now(), expires_at = now() + make_interval(secs => $3) WHERE file_id = $1
"""

_DELETE = "DELETE FROM files WHERE file_id = $1"

# Files that an active job reads stay, however long it takes.
_EXPIRE = """
DELETE FROM files f WHERE expires_at < now() AND NOT EXISTS (
    SELECT FROM jobs j WHERE j.state IN ('waiting', 'running') AND (j.input ->> 'file_id')::bigint = f.file_id)
"""

_FIND = """
SELECT file_id, account_id, name, list_id, size_bytes FROM files
WHERE token = $1 AND expires_at > now() AND size_bytes IS NOT NULL
"""

# The chunks that have bytes of a range.
_READ = """
SELECT start_byte, content FROM file_chunks
WHERE file_id = $1 AND start_byte < $3 AND start_byte >= (
    SELECT max(start_byte) FROM file_chunks WHERE file_id = $1 AND start_byte <= $2)
ORDER BY start_byte
"""


class TooManyFilesError(Exception):
    """The account has as many files as it may."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that has arrived wholly; with a list it is an export, which is made when it is fetched."""

    file_id: int
    account_id: str
    name: str
    list_id: int | None
    size_bytes: int


async def store(pool: Pool, account_id: str, name: str, chunks: AsyncIterator[bytes]) -> tuple[StoredFile, str]:
    """Store a file, and return it with its token; nothing is left of one whose chunks end with an error.

    Raises:
        TooManyFilesError: try again when others have expired.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    async with connection_from(pool) as connection:
        file_id = await _add(connection, account_id, name, token)
    size_bytes = 0
    try:
        async for chunk in chunks:
            async with connection_from(pool) as connection:
                await connection.execute(_APPEND, file_id, size_bytes, chunk)
            size_bytes += len(chunk)
        async with connection_from(pool) as connection:
            await connection.execute(_COMPLETE, file_id, size_bytes, LIVE_SECONDS)
    except BaseException:
        async with connection_from(pool) as connection:
            await connection.execute(_DELETE, file_id)
        raise
    return StoredFile(file_id, account_id, name, None, size_bytes), token


async def add_export(connection: Connection, account_id: str, name: str, list_id: int) -> str:
    """Add a file that has a list's contacts when it is fetched; return its token.

    Raises:
        TooManyFilesError: try again when others have expired.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    await _add(connection, account_id, name, token, list_id)
    return token


async def _add(connection: Connection, account_id: str, name: str, token: str, list_id: int | None = None) -> int:
    if await connection.fetchval(_COUNT, account_id) >= MAX_LIVE:
        raise TooManyFilesError
    size, seconds = (None, _UPLOAD_SECONDS) if list_id is None else (0, LIVE_SECONDS)
    file_id: int = await connection.fetchval(_ADD, token, account_id, name, list_id, size, seconds)
    return file_id


async def find(connection: Connection, token: str) -> StoredFile | None:
    """Return the file with this token, while it lives."""
    row = await connection.fetchrow(_FIND, token)
    return None if row is None else StoredFile(*row)


async def read(connection: Connection, file_id: int, start_byte: int, end_byte: int) -> bytes:
    """Return the bytes of the range that the file has."""
    rows = await connection.fetch(_READ, file_id, start_byte, end_byte)
    if not rows:
        return b""
    content = b"".join(row["content"] for row in rows)
    skipped = start_byte - rows[0]["start_byte"]
    return content[skipped : skipped + end_byte - start_byte]


async def expire(connection: Connection) -> None:
    """Delete the files whose time is over."""
    await connection.execute(_EXPIRE)
