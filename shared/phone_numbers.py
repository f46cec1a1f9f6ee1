"""Phone numbers in E.164 (ITU-T E.164: a plus sign, at most 15 digits) and the numbers that messages come from."""

import re
from functools import lru_cache
from typing import Annotated

import phonenumbers
from pydantic import AfterValidator, StringConstraints

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
ALPHANUMERIC_SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ._&-]{1,11}")
SHORT_CODE = re.compile(r"[0-9]{3,8}")
_DECORATION = re.compile(r"[\s().\-\u00a0\u2010-\u2015/]+")
_MAX_INPUT_CHARACTERS = 40

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


def normalise_phone(text: str) -> str:
    """Return `text`, as a gateway writes a recipient's number, in E.164.

    Gateways drop the plus sign ("61411111111") or write "00" for it; none of them sends national numbers.

    Raises:
        ValueError: it is no phone number that could exist.
    """
    if len(text) > _MAX_INPUT_CHARACTERS:
        raise ValueError(f"a phone number has at most 15 digits; got {len(text)} characters")
    digits = _DECORATION.sub("", text).removeprefix("+").removeprefix("00")
    phone = f"+{digits}"
    if not E164.fullmatch(phone) or not _is_possible(phone):
        raise ValueError(f"{mask(text)!r} is not a phone number; write it in E.164, such as +14155550100")
    return phone


def _is_possible(phone: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(maxsize=4_096)  # a business has few, and every event names one
def normalise_sender_number(text: str) -> str:
    """Return a sender number in the one way it is compared: E.164, a short code, or an alphanumeric sender ID.

    Raises:
        ValueError: it is none of the three.
    """
    stripped = text.strip()
    if ALPHANUMERIC_SENDER.fullmatch(stripped):
        return stripped.upper()
    compact = _DECORATION.sub("", stripped[:_MAX_INPUT_CHARACTERS])
    if SHORT_CODE.fullmatch(compact):
        return compact
    phone = f"+{compact.removeprefix('+').removeprefix('00')}"
    if E164.fullmatch(phone):
        return phone
    raise ValueError(f"{text[:_MAX_INPUT_CHARACTERS]!r} is no sender number: use E.164, a short code or a sender ID")


SenderNumber = Annotated[str, StringConstraints(max_length=40), AfterValidator(normalise_sender_number)]


def mask(phone: str) -> str:
    """Return `phone` fit for a log: the first three and the last two characters stay."""
    return phone if len(phone) <= 5 else f"{phone[:3]}{'*' * (len(phone) - 5)}{phone[-2:]}"  # noqa: PLR2004 (3 + 2)
