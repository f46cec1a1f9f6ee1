"""The ways in which a written number can be read, where it does not say itself which one is meant."""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat

from shared.phones.canonical import (
    MIN_UNKNOWN_DIGITS,
    canonical,
    country_code_of,
    is_plainly_canonical,
    is_valid,
    plan,
)
from shared.phones.equivalents import OTHER_READINGS
from shared.phones.writing import Written

_READINGS_KEPT = 16_384
_INTERNATIONAL = re.compile(r"\+([1-9][0-9]{6,14})")
_AMBIGUOUS = tuple(f"+{code}" for code in OTHER_READINGS)


def readings(written: Written, country: str | None, *, always_international: bool = False) -> tuple[str, ...]:
    """Return each number that `written` may be, in E.164, the most usual reading first; none where there is none.

    Args:
        written: the number as it was written.
        country: ISO 3166 code of the country in which it would be a national number; None where that is not known.
        always_international: whoever wrote it never writes national numbers.
    """
    found = [canonical(written.digits)]
    if country is not None and not (written.is_international or always_international):
        found.append(_likely_national(written.digits, country, is_only=found == [None]))
    return tuple(dict.fromkeys(each for phone in found if phone for each in (phone, *_others(phone))))


def _likely_national(digits: str, country: str, *, is_only: bool) -> str | None:
    """Return the number that the digits are in `country`, where that is likely."""
    phone = None if _is_never_national(digits, country) else national_reading(digits, country)
    if phone is None or is_valid(phone):
        return phone
    # A range that libphonenumber does not know yet counts where there is no other reading.
    return phone if is_only and len(digits) >= MIN_UNKNOWN_DIGITS else None


def only_reading(text: str) -> str | None:
    """Return a canonical number with its plus sign that is written as such and has no other reading: nearly all are."""
    plain = _INTERNATIONAL.fullmatch(text)
    return text if plain and is_plainly_canonical(plain[1]) and not text.startswith(_AMBIGUOUS) else None


def _is_never_national(digits: str, country: str) -> bool:
    """Say whether the length alone shows that the digits are not a national number, or are the international one."""
    code, own_lengths = _plan_of(country)
    lengths, prefix, _ = plan(code)
    if len(digits) in own_lengths:
        return False
    return digits[0] not in prefix or (digits.startswith(code) and len(digits) - len(code) in lengths)


@lru_cache(maxsize=512)
def _plan_of(country: str) -> tuple[str, frozenset[int]]:
    """Return the country's code, and how long its own national numbers are."""
    metadata = PhoneMetadata.metadata_for_region(country)
    lengths = metadata.general_desc.possible_length if metadata is not None and metadata.general_desc else ()
    return str(phonenumbers.country_code_for_region(country)), frozenset(lengths)


@lru_cache(maxsize=_READINGS_KEPT)
def national_reading(digits: str, country: str) -> str | None:
    """Return the number that `digits` are in `country`: a foreign one after its prefix for calls abroad."""
    try:
        number = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return None
    return canonical(phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:])


@lru_cache(maxsize=_READINGS_KEPT)  # the numbers that people write to: a business has few
def region_of(phone: str) -> str | None:
    """Return the ISO 3166 code of the country of a number in E.164; None for what belongs to no country."""
    code = country_code_of(phone[1:])
    if code is None:
        return None
    region = phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or (
        phonenumbers.region_code_for_country_code(code)
    )
    return None if region in (None, "001", "ZZ") else str(region)


def _others(phone: str) -> list[str]:
    """Return the numbers for which the plan does not say whether they are this one."""
    code = country_code_of(phone[1:])
    if code is None or code not in OTHER_READINGS:
        return []
    rest = phone[1 + len(str(code)) :]
    matches = ((old.fullmatch(rest), new) for old, new in OTHER_READINGS[code])
    return [f"+{code}{match.expand(new)}" for match, new in matches if match]
