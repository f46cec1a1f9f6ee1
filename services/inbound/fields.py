"""Parsing of a webhook's body, a form or a JSON object, into fields; unreadable bytes are tolerated where that is safe.

A bad byte must not lose an opt-out, so invalid UTF-8 becomes U+FFFD ("�") and the webhook is processed: "STOP" in the
text is still "STOP", and a damaged id or sender number counts as missing (see `gateways/`). Only a damaged `from` is
refused, because nobody knows who wrote. NUL characters and lone surrogates, which Postgres and UTF-8 cannot store,
become U+FFFD too. A JSON value that is neither a string nor a number counts as missing. A body that is neither a form
nor a JSON object is refused.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from pydantic_core import from_json

from services.inbound.charsets import CHARSET_FIELD, DAMAGED, UTF_8, codec_of, codec_of_content_type
from services.inbound.limits import MAX_FORM_FIELDS, MAX_JSON_DEPTH, MAX_JSON_FIELDS, MAX_JSON_NAME
from services.inbound.multipart import MULTIPART, read_multipart
from services.inbound.responses import WebhookError

Fields = dict[str, str]
_Nested: TypeAlias = "tuple[str, dict[str, Any] | list[Any]]"
"""An object or a list, with what the paths of its values begin with."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_JSON_STARTS = (b"{", b"[", b"\xef\xbb\xbf{")
_SINGLE = frozenset((str, int, float))
_NESTED = frozenset((dict, list))
FORM = "application/x-www-form-urlencoded"


def read_fields(content_type: str, body: bytes, *, multipart: bool = False) -> Fields:
    """Return the fields of a webhook's body; `multipart` says whether such a form is taken.

    The content type decides, but a body that starts as JSON does is JSON whatever it is called.

    Raises:
        WebhookError: `unsupported_media_type`, `not_a_form`, `not_json`, `not_an_object` or `invalid_utf8`.
    """
    kind = content_type.lower()
    if multipart and kind.startswith(MULTIPART):
        return clean(read_multipart(content_type, body).items())
    if is_json(content_type, body):
        return _json_fields(_json_object(body))
    if kind and not kind.startswith((FORM, "text/plain")):
        also = f", {MULTIPART}" if multipart else ""
        raise WebhookError("unsupported_media_type", f"send {FORM}{also} or application/json", status_code=415)
    return read_form(body, codec_of_content_type(kind))


def is_json(content_type: str, body: bytes) -> bool:
    """Return whether `read_fields` reads the body as JSON."""
    return "json" in content_type.lower() or body.lstrip()[:4].startswith(_JSON_STARTS)


def read_form(body: bytes, codec: str = UTF_8) -> Fields:
    """Return the fields of a form in a body or in a query; of several with one name, the last.

    Raises:
        WebhookError: `not_a_form`: it has too many fields.
    """
    text = body.decode(codec, errors="replace")
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, encoding=codec, errors="replace", max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError:
        raise WebhookError("not_a_form", f"the form has more than {MAX_FORM_FIELDS} fields", status_code=400) from None
    fields = dict(pairs)
    if codec == UTF_8 and CHARSET_FIELD in fields and (said := codec_of(fields[CHARSET_FIELD])) != UTF_8:
        return read_form(body, said)
    return clean(fields.items()) if "%00" in text or "\0" in text else fields


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        found = from_json(body)
    except ValueError:  # it reads only what is right; the standard library also halves of characters and a mark
        found = _tolerantly(body)
    if not isinstance(found, dict):
        raise WebhookError("not_an_object", "the body must be one JSON object", status_code=400)
    return found


def _tolerantly(body: bytes) -> Any:
    text = body.decode("utf-8-sig", errors="replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if DAMAGED in text:
            raise WebhookError("invalid_utf8", "the body is not UTF-8; send JSON in UTF-8", status_code=400) from None
        raise WebhookError("not_json", "the body is not JSON; send one JSON object", status_code=400) from None


def _json_fields(found: dict[str, Any]) -> Fields:
    """Return every string and number, by its path: the names and indexes on the way, joined by dots.

    Raises:
        WebhookError: `too_many_fields`.
    """
    fields: Fields = {}
    level: list[_Nested] = [("", found)]
    left = MAX_JSON_FIELDS
    for _ in range(MAX_JSON_DEPTH):
        inner: list[_Nested] = []
        for prefix, nested in level:
            left -= len(nested)
            if left < 0:
                raise WebhookError(
                    "too_many_fields", f"the JSON has more than {MAX_JSON_FIELDS} values", status_code=400
                )
            _take(prefix, nested, fields, inner)
        level = inner
    return fields


def _take(prefix: str, nested: dict[str, Any] | list[Any], fields: Fields, inner: list[_Nested]) -> None:
    """Put an object's or a list's strings and numbers into `fields`, the objects and lists in it into `inner`."""
    longest = len(prefix) + MAX_JSON_NAME
    for name, value in nested.items() if type(nested) is dict else enumerate(nested):
        path = f"{prefix}{name}"
        kind = type(value)
        if len(path) > longest:
            continue
        if kind is str:
            fields[path] = value if value.isprintable() else _UNSTORABLE.sub(DAMAGED, value)
        elif kind in _SINGLE:
            fields[path] = str(value)
        elif kind in _NESTED and value:
            # Also after an empty name: what is inside has never the path of what is outside, and may be signed.
            inner.append((f"{path}.", value))


def each_of(fields: Fields, path: str) -> list[Fields]:
    """Return the fields of each object in the list at `path`, in its order, with their names in it."""
    found: dict[int, Fields] = {}
    for name, value in fields.items():
        if name.startswith(f"{path}."):
            index, _, inner = name.removeprefix(f"{path}.").partition(".")
            if index.isascii() and index.isdecimal():
                found.setdefault(int(index), {})[inner] = value
    return [found[index] for index in sorted(found)]


def clean(pairs: Iterable[tuple[str, Any]]) -> Fields:
    """Return the strings and numbers among values as fields, without what cannot be stored."""
    return {name: _text(value) for name, value in pairs if type(value) in _SINGLE}


def _text(value: Any) -> str:
    text = str(value)
    return text if text.isprintable() else _UNSTORABLE.sub(DAMAGED, text)
