"""The types of what callers send, with their limits."""

from typing import Annotated

from fastapi import Query
from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from shared.fair_hours.places import is_state, is_zone

MAX_CONTACTS = 1000
MAX_FIELDS = 50
MAX_PAGE = 1000
MAX_ID = 2**63 - 1
_MAX_SAFE_INTEGER = 2**53 - 1


def without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a text cannot hold the character U+0000")
    return text


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(without_nul)
]
FieldName = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(without_nul)]
FieldText = Annotated[str, StringConstraints(max_length=1000), AfterValidator(without_nul)]
FieldNumber = Annotated[int, Field(strict=True, ge=-_MAX_SAFE_INTEGER, le=_MAX_SAFE_INTEGER)]
FieldDecimal = Annotated[float, Field(strict=True, ge=-_MAX_SAFE_INTEGER, le=_MAX_SAFE_INTEGER)]
FieldValue = Annotated[bool, Field(strict=True)] | FieldNumber | FieldDecimal | FieldText | None
GivenPhone = Annotated[str, StringConstraints(max_length=200)]
"""A phone as the caller wrote it; `services.optout.api.phones` reads it."""


def known_country(code: str) -> str:
    if code.upper() not in SUPPORTED_REGIONS:
        raise ValueError("write the two letters of ISO 3166, such as US or GB")
    return code.upper()


Country = Annotated[str, AfterValidator(known_country)]


def _known_state(state: str) -> str:
    if not is_state(state):
        raise ValueError("write a code of ISO 3166-2, such as US-TX or CA-ON")
    return state


def _known_zone(zone: str) -> str:
    if not is_zone(zone):
        raise ValueError("write an IANA time zone, such as America/Chicago")
    return zone


KnownState = Annotated[str, AfterValidator(_known_state)]
KnownZone = Annotated[str, AfterValidator(_known_zone)]


class RequestBody(BaseModel):
    """The base of all request bodies: an unknown field is a mistake, so it is refused rather than ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


PageLimit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
