"""Phone numbers in texts for logs: found in every spelling that a gateway, a person or a URL has, and masked.

What may be a number is masked, too: a line that lacks an id is a nuisance, one with a number a leak. Left as they are:
times, UUIDs, addresses, offsets, and counts that name what they count.
"""

import re
from collections.abc import Mapping
from typing import Any

from shared.phones import mask

_DEEPEST = 5
_KEPT = (
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)",
    r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d{1,5})?(?![\d.])",
    r"(?:offsets?|sequence|partition|generation|port|pid|line) \d+(?: to \d+)?",
    r"(?<!\w)\d+ (?:bytes|records|messages|keys|entries|rows|offsets|characters|s|ms)\b",
)
_ESCAPES = (r"%[0-9A-Fa-f]{2}", r"\\[abfnrtv]", r"\\x[0-9a-f]{2}", r"\\u[0-9a-f]{4}")
"""What a URL, or Python's `repr`, puts right before a number: "%2F", "\\n" and others end with a letter or a digit."""
_BEGINS = rf"(?:(?<!\w)|{'|'.join(f'(?<={each})' for each in _ESCAPES)})"
_BETWEEN = r"[ \u00a0\u2000-\u2015\u202f\u2060\u2212().\-/]{0,2}"
_NUMBER = rf"(?:\+|%2[Bb]|{_BEGINS})\(?\d(?:{_BETWEEN}\d){{6,}}"
"""Seven digits or more, with the punctuation that people write into them; a plus sign may be encoded as in a URL."""
_FOUND = re.compile(f"(?P<kept>{'|'.join(_KEPT)})|{_NUMBER}")


def masked(text: str) -> str:
    """Return the text with all but the ends of each phone number replaced."""
    return _FOUND.sub(lambda found: found.group() if found["kept"] else mask(found.group()), text)


def masked_value(value: Any, depth: int = 0) -> Any:
    """Return a value for JSON, its texts masked; numbers are not phones, which are texts everywhere."""
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping() if depth < _DEEPEST:
            return {masked(str(name)): masked_value(each, depth + 1) for name, each in value.items()}
        case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
            return [masked_value(each, depth + 1) for each in value]
        case _:
            return masked(str(value))
