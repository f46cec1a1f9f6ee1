"""The numbers of a history: of recipients, of whoever replied, and of our side."""

import re
from functools import lru_cache

from harness.audit.history import BadCellError
from services.optout.contact_phone import contact_phone
from shared.phones import normalise_sender_number, readings
from shared.phones.readings import only_reading, region_of
from shared.phones.writing import read_digits

_KEPT = 65_536
_SENDER_CHARACTERS = 40
_ROUNDED = re.compile(r"[0-9]+[.,]?[0-9]*[eE]\+?[0-9]+")


@lru_cache(maxsize=_KEPT)
def _other_recipient(text: str, country: str | None) -> str:
    try:
        return contact_phone(text, country)
    except ValueError as error:
        hint = "" if country else "; --country says of which country numbers without a country code are"
        raise BadCellError(f"the phone: {error}{hint}") from None


def recipient_phone(text: str, country: str | None) -> str:
    """Return the canonical number that a message was sent to."""
    return only_reading(text) or _other_recipient(_whole(text), country)


def writer_phones(text: str, to: str, country: str | None) -> tuple[str, ...]:
    """Return each number that whoever wrote may have, the most usual one first: what was sent decides.

    A number without a country code is of `country`, or of the country of the number that it was written `to`.
    """
    only = only_reading(text)
    return (only,) if only else _other_writer(_whole(text), to, country)


def _whole(text: str) -> str:
    """Return the number, if a spreadsheet has not cut off its digits; without the apostrophe that makes it a text."""
    if _ROUNDED.fullmatch(text):
        raise BadCellError("the phone: a spreadsheet has rounded it: export the column as text")
    return text.removeprefix("'")


@lru_cache(maxsize=_KEPT)
def _other_writer(text: str, to: str, country: str | None) -> tuple[str, ...]:
    try:
        written = read_digits(text)
    except ValueError as error:
        raise BadCellError(f"the phone: {error}") from None
    of_ours = region_of(to) if to.startswith("+") else None
    found = [phone for each in (country, of_ours) for phone in readings(written, each)]
    if not found:
        raise BadCellError("the phone is not a phone number; write it in E.164, such as +14155550100")
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=_KEPT)
def our_number(text: str) -> str:
    """Return the number, or the name, that messages come from; as it is written where it is neither."""
    try:
        return normalise_sender_number(text) if text else ""
    except ValueError:
        return text[:_SENDER_CHARACTERS]
