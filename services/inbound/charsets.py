"""Which charset a form is written in: UTF-8, unless it says one of those that gateways have used instead."""

DAMAGED = "\ufffd"
"""What stands for bytes that cannot be read."""
CHARSET_FIELD = "_charset_"
"""The field by which a form names its charset (HTML, "constructing the entry list")."""
UTF_8 = "utf-8"

_KNOWN = {
    "iso-8859-1": "cp1252",  # as browsers read it (WHATWG Encoding)
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "iso-8859-15": "iso8859-15",
}


def codec_of(charset: str | None) -> str:
    """Return Python's name for what a form or a content type calls its charset; UTF-8 where that is not known."""
    return _KNOWN.get((charset or "").strip().strip("\"'").lower(), UTF_8)


def codec_of_content_type(content_type: str) -> str:
    """Return the codec that a content type names."""
    _, found, parameter = content_type.lower().partition("charset=")
    return codec_of(parameter.partition(";")[0]) if found else UTF_8
