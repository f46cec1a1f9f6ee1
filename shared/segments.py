"""The segments of an SMS: the parts that networks carry and count (GSM 03.38 / 3GPP TS 23.038, 23.040).

A text of the GSM alphabet takes 7 bits a character, 14 where the character is in the extension table; any other text is
UTF-16. A text of several segments gives 6 bytes of each to the header that puts them together. Neither an escaped
character nor a surrogate pair is divided between two segments.
"""

from typing import Literal, NamedTuple

Encoding = Literal["gsm7", "ucs2"]

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM = _BASIC | _EXTENSION
_LAST_OF_ONE_UNIT = "\uffff"

SINGLE = {"gsm7": 160, "ucs2": 70}
CONCATENATED = {"gsm7": 153, "ucs2": 67}


class Segments(NamedTuple):
    """The size of a text: `units` are septets (`gsm7`) or 16-bit units (`ucs2`), `number` is that of its segments."""

    encoding: Encoding
    units: int
    number: int


def segments_of(text: str) -> Segments:
    """Return how a text is carried; an empty text is none."""
    encoding: Encoding = "gsm7" if _GSM.issuperset(text) else "ucs2"
    doubles = (
        sum(map(_EXTENSION.__contains__, text)) if encoding == "gsm7" else sum(c > _LAST_OF_ONE_UNIT for c in text)
    )
    units = len(text) + doubles
    if units <= SINGLE[encoding]:
        return Segments(encoding, units, min(units, 1))
    limit = CONCATENATED[encoding]
    count = -(-units // limit) if not doubles else _packed(text, encoding, limit)
    return Segments(encoding, units, count)


def _packed(text: str, encoding: Encoding, limit: int) -> int:
    """Return how many segments it takes to hold `text`, some characters of which take two units."""
    count, filled = 1, 0
    for character in text:
        size = 2 if (character in _EXTENSION if encoding == "gsm7" else character > _LAST_OF_ONE_UNIT) else 1
        if filled + size > limit:
            count, filled = count + 1, 0
        filled += size
    return count
