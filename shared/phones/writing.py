"""A phone number as somebody wrote it, read as digits."""

import re
import unicodedata
from typing import NamedTuple

MAX_TEXT_CHARACTERS = 64
_PLAIN = re.compile(r"\+?[1-9][0-9]{3,19}")
_SCHEMES = ("tel:", "sms:")
_PARAMETERS = re.compile(r";.*")  # RFC 3966: ";ext=5", ";phone-context=…"
_EXTENSION = re.compile(r"\s*(?:,|#|x|ext\.?|extension)\s*[0-9]{1,7}$")
_DECORATION = re.compile(r"[\s().\-\u2010-\u2015\u2212/]+")
_NUMBER = re.compile(r"\+?[0-9]{1,20}")


class Written(NamedTuple):
    """The digits; `is_international` where they begin with a country code because a plus sign or 00 said so."""

    digits: str
    is_international: bool


def read_digits(text: str) -> Written:
    """Return what `text` says: in any script's digits, with punctuation, invisible characters, as a `tel:` URI.

    An extension is left out: a text message goes to the line.

    Raises:
        ValueError: it has something else in it, or nothing.
    """
    plain = text if _PLAIN.fullmatch(text) else _plain(text)
    if not _NUMBER.fullmatch(plain):
        raise ValueError("it is not written as a phone number; write it in E.164, such as +14155550100")
    if plain[0] == "+":
        return Written(plain[1:], is_international=True)
    if plain.startswith("00"):
        return Written(plain[2:], is_international=True)
    return Written(plain, is_international=False)


def _plain(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ValueError(f"it has {len(text)} characters")
    lowered = unicodedata.normalize("NFKC", text).strip().lower()
    for scheme in _SCHEMES:
        lowered = lowered.removeprefix(scheme)
    visible = "".join(_digit(each) for each in lowered if unicodedata.category(each) != "Cf")
    return _DECORATION.sub("", _EXTENSION.sub("", _PARAMETERS.sub("", visible)))


def _digit(character: str) -> str:
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


def mask(phone: str) -> str:
    """Return `phone` fit for a log: the first three and the last two characters stay."""
    return phone if len(phone) <= 5 else f"{phone[:3]}{'*' * (len(phone) - 5)}{phone[-2:]}"  # noqa: PLR2004 (3 + 2)
