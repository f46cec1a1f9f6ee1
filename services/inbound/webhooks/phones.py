"""Phone numbers as `shared.phone_numbers` reads them, with a short way for those that need no second look.

`phonenumbers` takes 20 to 40 microseconds for a number, a tenth of a whole webhook. Nearly all numbers have a known
country code and, behind it, a length that exists there; only what may have a national prefix or is otherwise unusual
goes the long way. A property test holds the two together.
"""

import re
from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from shared.phone_numbers import normalise_phone, normalise_sender_number

_PLAIN = re.compile(r"\+?([1-9][0-9]{6,14})")
_COUNTRY_CODE_DIGITS = (1, 2, 3)
_SENDER_NUMBERS_KEPT = 4096


def phone(text: str) -> str:
    """Return `text` in E.164.

    Raises:
        ValueError: it is no phone number that could exist.
    """
    plain = _PLAIN.fullmatch(text)
    return f"+{plain[1]}" if plain and _surely_exists(plain[1]) else normalise_phone(text)


def _surely_exists(digits: str) -> bool:
    for length in _COUNTRY_CODE_DIGITS:
        if int(digits[:length]) in COUNTRY_CODE_TO_REGION_CODE:
            lengths, prefix = _plan(int(digits[:length]))
            return len(digits) - length in lengths and digits[length] not in prefix
    return False


@lru_cache(maxsize=512)
def _plan(country_code: int) -> tuple[frozenset[int], str]:
    """Return how long national numbers are, and the digits that a national prefix may begin with."""
    region = COUNTRY_CODE_TO_REGION_CODE[country_code][0]
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
    if metadata is None or metadata.general_desc is None:
        return frozenset(), ""
    prefix = metadata.national_prefix_for_parsing or ""
    return frozenset(metadata.general_desc.possible_length), "0" + "".join(filter(str.isdigit, prefix))


sender_number = lru_cache(maxsize=_SENDER_NUMBERS_KEPT)(normalise_sender_number)
