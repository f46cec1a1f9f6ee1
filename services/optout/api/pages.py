"""Pages by keyset: `next` names the last row of a page, and `after` takes it back; no offset that grows slow."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from services.optout.api.errors import ApiError

Key: TypeAlias = str | int | datetime | UUID
_MAX_CURSOR_CHARACTERS = 512


def cursor(*keys: Key) -> str:
    """Return the place behind the row with these keys, as callers see it."""
    return base64.urlsafe_b64encode(json.dumps(keys, default=str).encode()).decode().rstrip("=")


def keys_after(text: str | None, *first: Key) -> list[Any]:
    """Return the keys that `text` names, or `first`, which stand before all rows.

    Raises:
        ApiError: it is none of ours.
    """
    if text is None:
        return list(first)
    try:
        keys = json.loads(base64.urlsafe_b64decode(text[:_MAX_CURSOR_CHARACTERS] + "=="))
        return [_read(key, like) for key, like in zip(keys, first, strict=True)]
    except (ValueError, TypeError):
        raise ApiError(400, "invalid_cursor", "after: use the `next` of the page before, unchanged", "after") from None


def _read(key: object, like: Key) -> Key:
    match like, key:
        case int(), int() if 0 <= key < 2**63:
            return key
        case datetime(), str():
            return datetime.fromisoformat(key)
        case UUID(), str():
            return UUID(key)
        case str(), str() if "\0" not in key and key.isprintable():
            return key
    raise ValueError(key)


def page(
    name: str, rows: Sequence[Any], limit: int, shown: Callable[[Any], dict[str, Any]], *keys: str
) -> dict[str, Any]:
    """Return a page of `rows`, which were asked for with one more than `limit` to know whether there is another."""
    kept = rows[:limit]
    following = cursor(*(kept[-1][key] for key in keys)) if len(rows) > limit else None
    return {name: [shown(row) for row in kept], "next": following}
