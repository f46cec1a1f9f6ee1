"""Bodies that carry a file, read as they arrive: JSON with base64, a form, or the file itself.

Whatever comes is UTF-8 afterwards: spreadsheets write UTF-16, and marks in front.
"""

import base64
import binascii
import codecs
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import ClassVar

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from services.optout.api.errors import ApiError
from services.optout.api.request_limits import LimitedRequest

MAX_FILE_BYTES = 2 * 1024**3
_BASE64_FACTOR = 1.4
UPLOAD_SECONDS = 3600.0
"""The server ends a body that grows by less than 1 MiB in half a minute."""
CHUNK_BYTES = 1024 * 1024
_HEAD_BYTES = 64 * 1024
"""Of the JSON around the file."""
_START_OF_CONTENT = re.compile(rb'"content"\s*:\s*"(?:data:[^",]{0,100};base64,)?')
_BASE64_QUANTUM = 4
_ESCAPES = ((rb"\/", b"/"), (rb"\r", b""), (rb"\n", b""), (b"\r", b""), (b"\n", b""))
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class UploadRequest(LimitedRequest):
    """A request with a file in its body, of which little is held at a time."""

    body_limit_bytes: ClassVar[int] = int(MAX_FILE_BYTES * _BASE64_FACTOR)

    async def stream(self) -> AsyncGenerator[bytes, None]:
        seen = 0
        async for chunk in Request.stream(self):
            seen += len(chunk)
            if seen > self.body_limit_bytes:
                raise ApiError(413, "too_large", f"the file is larger than {MAX_FILE_BYTES} bytes", "content")
            yield chunk


async def text_chunks(request: Request) -> AsyncIterator[bytes]:
    """Give the file in the body, as UTF-8 in chunks of `CHUNK_BYTES` and a smaller last one.

    Raises:
        ApiError: there is no file, or it is not a text.
    """
    held = bytearray()
    async for piece in _as_utf8(_file(request)):
        held += piece
        while len(held) >= CHUNK_BYTES:
            yield bytes(held[:CHUNK_BYTES])
            del held[:CHUNK_BYTES]
    if held:
        yield bytes(held)


def _file(request: Request) -> AsyncIterator[bytes]:
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    if content_type == b"multipart/form-data":
        boundary = options.get(b"boundary")
        if not boundary:
            raise _invalid("the form has no boundary")
        return _FormFile(boundary).content(request)
    if content_type in (b"text/csv", b"text/plain", b"application/octet-stream"):
        return request.stream()
    return _json_content(request)


def _invalid(message: str) -> ApiError:
    return ApiError(422, "invalid", f"content: {message}", "content")


async def _json_content(request: Request) -> AsyncIterator[bytes]:
    """Give what `content` says in base64, wherever in the object it is."""
    pieces = request.stream()
    head = bytearray()
    async for piece in pieces:
        head += piece
        if _START_OF_CONTENT.search(head, 0, _HEAD_BYTES) or len(head) > _HEAD_BYTES:
            break
    start = _START_OF_CONTENT.search(head, 0, _HEAD_BYTES)
    if start is None:
        raise _invalid('send {"content": "<the file in base64>"}, a form with the file, or the file as text/csv')
    before, rest = bytes(head[: start.end()]), bytes(head[start.end() :])
    decoder = _Base64()
    tail = bytearray()
    while True:
        content, quote, after = (b"", b'"', rest) if decoder.is_complete else rest.partition(b'"')
        if content:
            yield decoder.decoded(content)
        if quote:
            decoder.is_complete = True
            tail += after
        rest = await anext(pieces, b"")
        if len(tail) > _HEAD_BYTES or not rest:
            break
    yield decoder.last()
    _check_json(before, bytes(tail), is_complete=decoder.is_complete)


def _check_json(before: bytes, tail: bytes, *, is_complete: bool) -> None:
    """See that the body is JSON around its content: what was cut off on the way is not."""
    try:
        if is_complete and "content" in json.loads(before + b'"' + tail):
            return
    except (ValueError, RecursionError, TypeError):
        pass
    raise ApiError(400, "invalid_json", "the body is not JSON: it may have been cut off", "body")


class _Base64:
    """A decoder of base64 that comes in pieces, as JSON may write it."""

    def __init__(self) -> None:
        self.is_complete = False
        self._rest = b""

    def decoded(self, piece: bytes) -> bytes:
        text = self._rest + piece
        half_escape = b"\\" if text.endswith(b"\\") else b""
        for escape, character in _ESCAPES:
            text = text.replace(escape, character)
        text = text.removesuffix(half_escape)
        whole = len(text) - len(text) % _BASE64_QUANTUM
        self._rest = text[whole:] + half_escape
        return self._decode(text[:whole])

    def last(self) -> bytes:
        return self._decode(self._rest + b"=" * (-len(self._rest) % _BASE64_QUANTUM))

    @staticmethod
    def _decode(text: bytes) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise _invalid("it is not base64") from None


class _FormFile:
    """The first file of a form, or its field `content` or `file`."""

    def __init__(self, boundary: bytes) -> None:
        self._found: list[bytes] = []
        self._header = [b"", b""]
        self._state = "before"
        self._has_ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": lambda data, start, end: self._add(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._add(1, data[start:end]),
                "on_header_end": self._end_header,
                "on_part_data": self._data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    async def content(self, request: Request) -> AsyncIterator[bytes]:
        async for piece in request.stream():
            try:
                self._parser.write(piece)
            except FormParserError as error:
                raise _invalid(f"the form is not sound: {error}") from None
            if self._found:
                yield b"".join(self._found)
                self._found.clear()
        if not self._has_ended or self._state == "before":
            raise _invalid("the form was cut off, or has no file")

    def _add(self, place: int, data: bytes) -> None:
        self._header[place] += data

    def _end_header(self) -> None:
        name, value = self._header
        self._header = [b"", b""]
        if name.lower() == b"content-disposition" and self._state == "before":
            _, options = parse_options_header(value)
            if b"filename" in options or options.get(b"name") in (b"content", b"file"):
                self._state = "in"

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._state == "in":
            self._found.append(data[start:end])

    def _end_part(self) -> None:
        if self._state == "in":
            self._state = "after"

    def _end(self) -> None:
        self._has_ended = True


async def _as_utf8(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    decoder: codecs.IncrementalDecoder | None = None
    head = b""
    read_bytes = 0
    async for each in pieces:
        piece = each
        if decoder is None:
            head += piece
            if len(head) < len(codecs.BOM_UTF8) + 1:
                continue
            piece, decoder = _decoder_of(head)
        yield _decoded(decoder, piece, read_bytes)
        read_bytes += len(piece)
    if decoder is None:
        head, decoder = _decoder_of(head)
        yield _decoded(decoder, head, 0)
    yield _decoded(decoder, b"", read_bytes, is_last=True)


def _decoder_of(head: bytes) -> tuple[bytes, codecs.IncrementalDecoder]:
    """Return the bytes after a mark, and the decoder that the mark, or zeros between the letters, show."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return head[len(mark) :], codecs.getincrementaldecoder(name)()
    has_zero = [each == 0 for each in (*head[:2], 1, 1)]
    name = {(False, True): "utf-16-le", (True, False): "utf-16-be"}.get((has_zero[0], has_zero[1]), "utf-8")
    return head, codecs.getincrementaldecoder(name)()


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, read_bytes: int, *, is_last: bool = False) -> bytes:
    try:
        content = decoder.decode(piece, is_last).encode()
    except UnicodeError as error:
        reason = f"it is not UTF-8 or UTF-16 after byte {read_bytes} ({error.__class__.__name__})"
        raise _invalid(f"{reason}; save it as CSV UTF-8") from None
    if b"\0" in content:
        raise _invalid(f"it has a NUL after byte {read_bytes}: it is not a text")
    return content
