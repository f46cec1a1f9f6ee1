"""The one number that stands for a phone, made from libphonenumber's plan data and our table of equivalent forms.

`phonenumbers` takes 20 to 70 microseconds for a number. Nearly all numbers have a known country code and, after it, a
length that exists there and nothing that could be a prefix or an older form: these are canonical as they are, and it
takes one to see it. A property test holds the short way and the long way together.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from shared.phones.equivalents import MOVED
from shared.phones.writing import MAX_TEXT_CHARACTERS, mask, read_digits

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
MIN_DIGITS, MAX_DIGITS = 7, 15
MIN_UNKNOWN_DIGITS = 8
_PLAIN = re.compile(r"\+?([1-9][0-9]{6,14})")
_CODES = frozenset(str(code) for code in COUNTRY_CODE_TO_REGION_CODE)
_COUNTRY_CODE_DIGITS = (2, 1, 3)
_MIN_NATIONAL_DIGITS = 4
_NUMBERS_KEPT = 65_536


def normalise_phone(text: str) -> str:
    """Return the canonical number of `text`, a number with its country code, in E.164.

    Digits without a plus sign count as international too; `shared.phones.readings` is for those that may be national.

    Raises:
        ValueError: it is not a phone number that could exist.
    """
    if plain := _PLAIN.fullmatch(text):
        phone = canonical(plain[1])
    else:
        try:
            phone = canonical(read_digits(text).digits)
        except ValueError:
            phone = None
    if phone is None:
        raise ValueError(
            f"{mask(text[:MAX_TEXT_CHARACTERS])!r} is not a phone number; write it in E.164, such as +14155550100"
        )
    return phone


def settled_phone(phone: str) -> str:
    """Return the canonical number of one in E.164; a number that the plan does not have stays as it is."""
    return canonical(phone[1:]) or phone


def canonical(digits: str) -> str | None:
    """Return the number of `digits`, country code first, in E.164; None where the plan has no such number.

    A country code that libphonenumber does not know has no plan to judge by: its numbers stay as they are written.
    """
    is_plain = MIN_DIGITS <= len(digits) <= MAX_DIGITS and is_plainly_canonical(digits)
    return f"+{digits}" if is_plain else _long_way(digits)


def is_valid(phone: str) -> bool:
    """Say whether libphonenumber has the canonical number's range in use."""
    return phonenumbers.is_valid_number(phonenumbers.parse(phone)) if country_code_of(phone[1:]) else False


def is_mobile(phone: str) -> bool:
    """Say whether the canonical number is in a range of mobiles, or of mobiles and landlines together."""
    kind = phonenumbers.number_type(phonenumbers.parse(phone)) if country_code_of(phone[1:]) else None
    return kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


def country_code_of(digits: str) -> int | None:
    """Return the country code that `digits` begin with."""
    for length in _COUNTRY_CODE_DIGITS:
        if (code := int(digits[:length] or 0)) in COUNTRY_CODE_TO_REGION_CODE:
            return code
    return None


def is_plainly_canonical(digits: str) -> bool:
    """Say whether digits, as many as E.164 allows, need no second look; others may be canonical too."""
    for length in _COUNTRY_CODE_DIGITS:
        if (code := digits[:length]) in _CODES:
            lengths, prefix, moved = plan(code)
            return (
                len(digits) - length in lengths
                and digits[length] not in prefix
                and (moved is None or not moved.fullmatch(digits, length))
            )
    return False


@lru_cache(maxsize=512)
def plan(country_code: str) -> tuple[frozenset[int], str, re.Pattern[str] | None]:
    """Return how long national numbers are, the digits that a prefix may begin with, and what older forms look like."""
    code = int(country_code)
    forms = [f"(?:{old.pattern})" for old, _ in MOVED.get(code, ())]
    moved = re.compile("|".join(forms)) if forms else None
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, COUNTRY_CODE_TO_REGION_CODE[code][0])
    if metadata is None or metadata.general_desc is None:
        return frozenset(), "", moved
    prefix = metadata.national_prefix_for_parsing or ""
    return frozenset(metadata.general_desc.possible_length), "0" + "".join(filter(str.isdigit, prefix)), moved


@lru_cache(maxsize=_NUMBERS_KEPT)
def _long_way(digits: str) -> str | None:
    code = country_code_of(digits)
    if code is None:
        phone = f"+{digits}"
        return phone if len(digits) >= MIN_UNKNOWN_DIGITS and E164.fullmatch(phone) else None
    try:
        read = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return None
    written = digits[len(str(code)) :]
    moved = _moved(code, (phonenumbers.national_significant_number(read), written))
    if moved is not None:
        return canonical(f"{code}{moved}")
    spellings = chain((read,), _without_prefix(code, written))
    return _again(_format(next(filter(phonenumbers.is_valid_number, spellings), read)), digits)


def _moved(code: int, spellings: Iterable[str]) -> str | None:
    """Return the present form of the first of the national numbers that has an older one."""
    matches = ((old.fullmatch(spelling), new) for spelling in spellings for old, new in MOVED.get(code, ()))
    return next((match.expand(new) for match, new in matches if match), None)


def _format(number: PhoneNumber) -> str | None:
    phone = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return phone if phonenumbers.is_possible_number(number) and E164.fullmatch(phone) else None


def _again(phone: str | None, digits: str) -> str | None:
    """Return the canonical number of what was read: zeros in a row are prefixes of prefixes."""
    return phone if phone is None or phone == f"+{digits}" else canonical(phone[1:])


def _without_prefix(code: int, written: str) -> Iterator[PhoneNumber]:
    """Give the number without the plan's own trunk prefix, where libphonenumber sees a carrier's code in it."""
    for region in COUNTRY_CODE_TO_REGION_CODE[code]:
        prefix = phonenumbers.ndd_prefix_for_region(region, True)
        rest = written.removeprefix(prefix or "")
        if rest != written and len(rest) >= _MIN_NATIONAL_DIGITS:
            yield phonenumbers.parse(f"+{code}{rest}")
