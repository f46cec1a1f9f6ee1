"""The fields that every event has: a type, a version, an id, an account and a time."""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha1
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

STOPLINE_NAMESPACE = UUID("6f1dc7c5-5c0e-5d58-9a55-7a1b4a3f0a11")
_HASHED_NAMESPACE = sha1(STOPLINE_NAMESPACE.bytes, usedforsecurity=False)
_VARIANT = {digit: f"{int(digit, 16) & 0b0011 | 0b1000:x}" for digit in "0123456789abcdef"}

MAX_BODY_CHARACTERS = 20_000
AccountId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
ListId = Annotated[int, Field(ge=1, le=2**53 - 1)]
MessageId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
LinkToken = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{11}$")]
"""The end of an opt-out link, as `shared.opt_out_links` makes it."""


def storable(text: str) -> str:
    """Return `text` without NUL, which JSON can hold and Postgres cannot."""
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


ShortText = Annotated[str, StringConstraints(max_length=512)]
StorableText = Annotated[ShortText, AfterValidator(storable)]
Body = Annotated[str, StringConstraints(max_length=MAX_BODY_CHARACTERS)]
"""May hold NUL, which is not part of a word ("ST\\0OP" is STOP): whoever stores a body makes it storable."""


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC the time is before the year 1 or after the year 9999") from None


@lru_cache(maxsize=4_096)  # a batch has one time of decision, published several times per message
def format_time(moment: datetime) -> str:
    """Return `moment` as ISO 8601 in UTC, always with microseconds, such as 2026-11-24T11:13:00.000000Z."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


Time = Annotated[AwareDatetime, AfterValidator(_to_utc), PlainSerializer(format_time, when_used="json")]


class Event(BaseModel):
    """The base of all events: frozen, strict about types, tolerant of fields it does not know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    category: ClassVar[str]
    """The middle of the CloudEvents type, such as `delivery` in `stopline.delivery.message_sent.v1`."""

    type: str
    version: Literal[1] = 1

    @classmethod
    def cloud_event_type(cls) -> str:
        name = cls.model_fields["type"].default
        return f"stopline.{cls.category}.{name}.v{cls.model_fields['version'].default}"

    def cloud_event_id(self) -> str:
        """Return what distinguishes this event from all others of its source; a replay computes the same."""
        raise NotImplementedError

    def cloud_event_time(self) -> datetime | None:
        return None


class IdentifiedEvent(Event):
    event_id: UUID
    occurred_at: Time

    def cloud_event_id(self) -> str:
        return str(self.event_id)

    def cloud_event_time(self) -> datetime | None:
        return self.occurred_at


def derived_id(cause: UUID | str, *parts: str) -> UUID:
    """Return the id of an event that follows from `cause`: the same whenever it is computed again (UUIDv5)."""
    return UUID(int=int.from_bytes(_hash(cause, parts)), version=5)


def derived_id_text(cause: UUID | str, *parts: str) -> str:
    """Return `derived_id` as text, in a third of the time: a UUIDv5 (RFC 9562, 5.5) without an object for each."""
    text = _hash(cause, parts).hex()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:]}"


def _hash(cause: UUID | str, parts: tuple[str, ...]) -> bytes:
    hashed = _HASHED_NAMESPACE.copy()
    hashed.update("|".join((str(cause), *parts)).encode())
    return hashed.digest()[:16]
