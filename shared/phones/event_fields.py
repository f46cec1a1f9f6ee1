"""The types of phone numbers in events, and the numbers that messages come from."""

import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from shared.phones.canonical import E164, normalise_phone, settled_phone
from shared.phones.writing import MAX_TEXT_CHARACTERS, read_digits

ALPHANUMERIC_SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ._&-]{1,11}")
SHORT_CODE = re.compile(r"[0-9]{3,8}")
_DECORATION = re.compile(r"[\s().\-\u00a0\u2010-\u2015/]+")
_MAX_SENDER_CHARACTERS = 40

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""A number that Stopline writes."""

_D = r"[\s().\-\u2010-\u2015/]*"
_REQUESTED = rf"^{_D}(?:\+|0{_D}0){_D}[1-9](?:{_D}[0-9]){{6,18}}{_D}$"
_SENDER = (
    r"^\s*(?:(?=[A-Za-z0-9 ._&-]{1,11}\s*$)[0-9 ._&-]*[A-Za-z][A-Za-z0-9 ._&-]*"
    rf"|{_D}[0-9](?:{_D}[0-9]){{2,7}}{_D}"
    rf"|{_D}(?:\+{_D})?(?:0{_D}0{_D})?[1-9](?:{_D}[0-9]){{6,14}}{_D})\s*$"
)


def _requested(text: str) -> str:
    """Return the canonical number of a requested message; one that the plan does not have stays as it is written.

    It names its country by a plus sign or 00: what others write cannot be asked about, and goes to nobody.
    """
    if E164.fullmatch(text):
        return settled_phone(text)
    if not read_digits(text).is_international:
        raise ValueError("write the phone with a plus sign and its country code, such as +14155550100")
    return normalise_phone(text)


RequestedPhone = Annotated[
    str,
    StringConstraints(max_length=MAX_TEXT_CHARACTERS),
    AfterValidator(_requested),
    Field(json_schema_extra={"pattern": _REQUESTED}),
]
"""A number as any producer writes it, with its country code; made canonical."""


@lru_cache(maxsize=4_096)  # a business has few, and every event names one
def normalise_sender_number(text: str) -> str:
    """Return a sender number in the one way it is compared: E.164, a short code, or an alphanumeric sender ID.

    Raises:
        ValueError: it is none of the three.
    """
    stripped = text.strip()
    if ALPHANUMERIC_SENDER.fullmatch(stripped):
        return stripped.upper()
    compact = _DECORATION.sub("", stripped[:_MAX_SENDER_CHARACTERS])
    if SHORT_CODE.fullmatch(compact):
        return compact
    phone = f"+{compact.removeprefix('+').removeprefix('00')}"
    if E164.fullmatch(phone):
        return settled_phone(phone)
    raise ValueError(
        f"{text[:_MAX_SENDER_CHARACTERS]!r} is not a sender number: use E.164, a short code or a sender ID"
    )


SenderNumber = Annotated[
    str,
    StringConstraints(max_length=_MAX_SENDER_CHARACTERS),
    AfterValidator(normalise_sender_number),
    Field(json_schema_extra={"pattern": _SENDER}),
]
