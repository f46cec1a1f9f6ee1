"""Pages by keyset: `next` names the last row of a page, and `after` accepts it; there is no offset that grows slow.

A page ends at its number of rows or at its bytes: contacts have fields, and replies texts, of any length.
"""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import Query

from services.optout.api.errors import ApiError
from shared.postgres import Connection

Key: TypeAlias = str | int | datetime | UUID
After: TypeAlias = Annotated[str | None, Query()]
"""The `next` of the page before, as a parameter of a route; None: the first page."""
_MAX_CURSOR_CHARACTERS = 512
MAX_PAGE_BYTES = 512 * 1024
"""Of the texts of a page's rows, past the first of them."""
_ROWS_AT_ONCE = 20


def cursor(*keys: Key) -> str:
    """Return the place after the row with these keys, as callers see it."""
    return base64.urlsafe_b64encode(json.dumps(keys, default=str).encode()).decode().rstrip("=")


def keys_after(text: str | None, *first: Key) -> list[Any]:
    """Return the keys that `text` names, or `first`, which sort before all rows.

    Raises:
        ApiError: it is none of ours.
    """
    if text is None:
        return list(first)
    try:
        return [_read(key, like) for key, like in zip(_keys(text), first, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise ApiError(400, "invalid_cursor", "after: use the `next` of the page before, unchanged", "after") from None


def _keys(text: str) -> list[object]:
    if len(text) > _MAX_CURSOR_CHARACTERS or not text.isascii():
        raise ValueError(text)
    keys = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    if not isinstance(keys, list) or cursor(*keys) != text:
        raise ValueError(text)  # it says the same as one of ours, in another way
    return keys


def _read(key: object, like: Key) -> Key:
    """Return a key of the same type as `like`, as Postgres can compare it."""
    match like, key:
        case int(), int() if not isinstance(key, bool) and 0 <= key < 2**63:
            return key
        case datetime(), str():
            return _moment(key)
        case UUID(), str() if str(UUID(key)) == key:
            return UUID(key)
        case str(), str() if "\0" not in key and key.isprintable():  # half a surrogate pair is not printable
            return key
    raise ValueError(key)


def _moment(text: str) -> datetime:
    """Read a time that has a zone and is within the calendar also in UTC, which is what asyncpg sends.

    Raises:
        ValueError: it is not such a time.
        OverflowError: it is before the year 1, or after 9999.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


async def fetch_page(database: Connection, query: str, *values: object, limit: int) -> tuple[list[Any], int]:
    """Return rows for `page`, and how many of them it shows; only so much is read as fits.

    The last parameter of `query` that is not among `values` is its limit: one row more than the page may show.
    """
    rows: list[Any] = []
    size = 0
    async with database.transaction(readonly=True):
        async for row in database.cursor(query, *values, limit + 1, prefetch=_ROWS_AT_ONCE):
            size += _bytes(row)
            rows.append(row)
            if len(rows) > 1 and size > MAX_PAGE_BYTES:
                return rows, len(rows) - 1
    return rows, limit


def _bytes(row: Any) -> int:
    return sum(len(value.encode()) for value in row.values() if isinstance(value, str))


def page(
    name: str, rows: Sequence[Any], limit: int, shown: Callable[[Any], dict[str, Any]], *keys: str
) -> dict[str, Any]:
    """Return a page of `rows`, which were asked for with one more than `limit` to know whether there is another."""
    kept = rows[:limit]
    following = cursor(*(kept[-1][key] for key in keys)) if len(rows) > limit else None
    return {name: [shown(row) for row in kept], "next": following}
