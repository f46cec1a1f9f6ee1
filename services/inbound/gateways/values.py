"""The values that gateways write, read as ours: who wrote, ids, texts. What is optional and unreadable is missing."""

import re
from typing import NamedTuple
from uuid import UUID, uuid4

from services.inbound.charsets import DAMAGED
from services.inbound.responses import WebhookError
from shared.events.base import MAX_BODY_CHARACTERS, derived_id
from shared.events.inbound import MAX_READINGS, NOBODY
from shared.phones import E164, normalise_phone, normalise_sender_number, readings
from shared.phones.canonical import MAX_DIGITS, MIN_UNKNOWN_DIGITS
from shared.phones.readings import only_reading, region_of
from shared.phones.writing import MAX_TEXT_CHARACTERS, Written, mask, read_digits

_MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,128}")
_MAX_SHORT_TEXT = 512


class Writer(NamedTuple):
    """The writer of a reply, by number; the fields are those of `MessageReceived`."""

    phone: str
    readings: tuple[str, ...] = ()
    written_phone: str | None = None


def writer(text: str, to: str | None, *, always_international: bool) -> Writer:
    """Return who wrote, by `from` and by the number `to` that was written to: people answer numbers of their country.

    No opt-out is lost over a number: one that no plan has stays as it is written, and one without a country is decided
    where the account's country and its messages are known.

    Raises:
        WebhookError: `invalid_utf8` or `invalid_number`.
    """
    if only := only_reading(text):
        return Writer(only)
    written = _digits(text)
    names_country = written.is_international or always_international
    country = region_of(to) if to is not None and to.startswith("+") and not names_country else None
    found = readings(written, country, always_international=always_international)[:MAX_READINGS]
    written_phone = None if names_country else written.digits
    if found:
        return Writer(found[0], found if len(found) > 1 else (), written_phone)
    phone = f"+{written.digits}" if names_country else f"{NOBODY}{written.digits}"[: 1 + MAX_DIGITS]
    if not (MIN_UNKNOWN_DIGITS <= len(written.digits) <= MAX_DIGITS and E164.fullmatch(phone)):
        raise _no_number(text)
    return Writer(phone, (), written_phone)


def _digits(text: str) -> Written:
    if DAMAGED in text:
        raise WebhookError("invalid_utf8", "is not UTF-8; send the number in ASCII", field="from")
    try:
        return read_digits(text)
    except ValueError:
        raise _no_number(text) from None


def _no_number(text: str) -> WebhookError:
    message = f"{mask(text[:MAX_TEXT_CHARACTERS])!r} is not a phone number; write it in E.164, such as +14155550100"
    return WebhookError("invalid_number", message, field="from")


def optional_phone(text: str | None) -> str | None:
    try:
        return normalise_phone(text) if text else None
    except ValueError:
        return None


def sender_number(text: str | None) -> str | None:
    try:
        return normalise_sender_number(text) if text else None
    except ValueError:
        return None


def body(text: str) -> str:
    """Return a message's text.

    Raises:
        WebhookError: `too_long`.
    """
    if len(text) > MAX_BODY_CHARACTERS:
        raise WebhookError("too_long", f"has {len(text)} characters; the limit is {MAX_BODY_CHARACTERS}", field="body")
    return text


def replied_body(text: str | None) -> str | None:
    return text[:MAX_BODY_CHARACTERS] if text else None


def message_id(text: str | None) -> str | None:
    """Return the id that the message was sent with, if `text` can be one of ours."""
    return text if text and _MESSAGE_ID.fullmatch(text) else None


def gateway_id(text: str | None) -> str | None:
    """Return an id of the gateway's; a damaged one distinguishes nothing and counts as missing."""
    return text[:_MAX_SHORT_TEXT] if text and DAMAGED not in text else None


def short_text(text: str) -> str:
    return text[:_MAX_SHORT_TEXT]


def message_event_id(  # noqa: PLR0913 (what makes two webhooks the same message)
    *, account_id: str, gateway: str, id_: str | None, written_at: str | None, phone: str, to: str | None, text: str
) -> UUID:
    """Return the event's id: computed where the gateway gives its message one, so that a repetition is the same event.

    An id alone proves nothing: gateways write 0, a constant, or a counter that restarts. A repetition has the same id,
    time and text, from and to the same numbers. Without an id each webhook is its own event: a second STOP does no
    harm, and taking two messages for one could lose a STOP that came after a START. Where the id comes without a time,
    the opt-out service looks again at what asks for an opt-out.
    """
    if not id_:
        return uuid4()
    if written_at is None:
        return derived_id(f"{account_id}|{gateway}|{id_}|{phone}|{text}")
    return derived_id(f"{account_id}|{gateway}|{len(id_)}|{id_}|{written_at}|{phone}|{to}|{text}")
