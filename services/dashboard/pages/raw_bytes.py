"""Bytes that anybody may have written, as text that can do nothing: neither to a page nor to whoever reads it."""

import unicodedata

_LINE = 16
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of what controls text, or cannot be seen: marks that turn its direction are among them."""


def as_text(content: bytes) -> str:
    r"""Return the bytes as text; what is not UTF-8, or cannot be seen, as escapes such as \xff and \u202e."""
    text = content.decode(errors="backslashreplace")
    return "".join(each if each == "\n" or _is_seen(each) else _escape(each) for each in text)


def as_hex(content: bytes) -> str:
    """Return the bytes in hexadecimal, 16 on a line, with their offset and what is printable of them in ASCII."""
    return "\n".join(_line(start, content[start : start + _LINE]) for start in range(0, len(content), _LINE))


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in _INVISIBLE


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _line(start: int, content: bytes) -> str:
    pairs = content.hex(" ")
    printable = "".join(chr(each) if 0x20 <= each < 0x7F else "." for each in content)  # noqa: PLR2004 (of ASCII)
    return f"{start:06x}  {pairs:<{_LINE * 3 - 1}}  {printable}"
