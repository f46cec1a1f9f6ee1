"""A body of `multipart/form-data` as fields; files in it are passed over. The parser is `python-multipart`'s."""

from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from services.inbound.charsets import CHARSET_FIELD, codec_of
from services.inbound.limits import MAX_FORM_FIELDS, MAX_PART_HEADER_BYTES, MAX_PART_HEADERS
from services.inbound.responses import WebhookError

if TYPE_CHECKING:  # there only for type checkers
    from python_multipart.multipart import MultipartCallbacks

MULTIPART = "multipart/form-data"


def read_multipart(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields; of several with one name the last.

    Raises:
        WebhookError: `not_a_form`.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise _bad("the content type names no boundary")
    parts = _Parts()
    try:
        parser = MultipartParser(
            boundary,
            parts.callbacks(),
            max_header_count=MAX_PART_HEADERS,
            max_header_size=MAX_PART_HEADER_BYTES,
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise _bad(f"it cannot be read: {error}") from None
    if not parts.is_complete:
        raise _bad("it ends before its last boundary")
    return parts.fields()


class _Parts:
    """The parts found so far, collected by the callbacks of `MultipartParser`."""

    def __init__(self) -> None:
        self.is_complete = False
        self._found: list[tuple[bytes, bytes, bytes]] = []
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._data = bytearray()
        self._parts = 0

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._part_data,
            "on_part_end": self._end,
            "on_end": self._complete,
        }

    def fields(self) -> dict[str, str]:
        named = {name: value for name, _, value in self._found}
        default = named.get(CHARSET_FIELD.encode(), b"").decode("ascii", errors="replace")
        return {
            name.decode(errors="replace"): value.decode(
                codec_of(charset.decode("latin-1") or default), errors="replace"
            )
            for name, charset, value in self._found
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_FORM_FIELDS:
            raise _bad(f"it has more than {MAX_FORM_FIELDS} fields")
        self._headers, self._data = {}, bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _end(self) -> None:
        options = parse_options_header(self._headers.get(b"content-disposition"))[1]
        name = options.get(b"name")
        if name is None or b"filename" in options:
            return
        charset = parse_options_header(self._headers.get(b"content-type"))[1].get(b"charset", b"")
        self._found.append((name, charset, bytes(self._data)))

    def _complete(self) -> None:
        self.is_complete = True


def _bad(what: str) -> WebhookError:
    return WebhookError("not_a_form", f"the multipart form is not one: {what}", status_code=400)
