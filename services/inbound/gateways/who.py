"""Whose message it is: the number in `from`, and what else it may be read as."""

from typing import NamedTuple

from services.inbound.charsets import DAMAGED
from services.inbound.errors import WebhookError
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import MAX_READINGS, NOBODY, MessageReceived, as_reading
from shared.phones import E164, readings
from shared.phones.canonical import MAX_DIGITS, MIN_UNKNOWN_DIGITS
from shared.phones.readings import only_reading, region_of
from shared.phones.writing import MAX_TEXT_CHARACTERS, mask, read_digits


class Who(NamedTuple):
    """The sender of a message; the fields are those of `MessageReceived`."""

    phone: str
    readings: tuple[str, ...]
    written_phone: str | None


def who(text: str, to: str | None, *, always_international: bool) -> Who:
    """Return who wrote, by `from` and by the number `to` that was written to: people answer numbers of their country.

    No opt-out is lost over a number: one that no plan has stays as it is written, and one without a country is decided
    where the account's country and its messages are known.

    Raises:
        WebhookError: `invalid_utf8` or `invalid_number`.
    """
    if only := only_reading(text):
        return Who(only, (), None)
    if DAMAGED in text:
        raise WebhookError("invalid_utf8", "is not UTF-8; send the number in ASCII", field="from")
    try:
        written = read_digits(text)
    except ValueError:
        raise _no_number(text) from None
    names_country = written.is_international or always_international
    country = region_of(to) if to is not None and to.startswith("+") and not names_country else None
    found = readings(written, country, always_international=always_international)[:MAX_READINGS]
    unsure = None if names_country else written.digits
    if found:
        return Who(found[0], found if len(found) > 1 else (), unsure)
    if not MIN_UNKNOWN_DIGITS <= len(written.digits) <= MAX_DIGITS:
        raise _no_number(text)
    phone = f"+{written.digits}" if names_country else f"{NOBODY}{written.digits}"[: 1 + MAX_DIGITS]
    if not E164.fullmatch(phone):
        raise _no_number(text)
    return Who(phone, (), unsure)


def _no_number(text: str) -> WebhookError:
    message = f"{mask(text[:MAX_TEXT_CHARACTERS])!r} is not a phone number; write it in E.164, such as +14155550100"
    return WebhookError("invalid_number", message, field="from")


Received = MessageReceived | DeliveryReceiptReceived


def each_reading(event: Received) -> list[Received]:
    """Return the event, and one for each other number that its sender may have: each goes to its own partition."""
    if not isinstance(event, MessageReceived) or not event.readings:
        return [event]
    return [event, *(as_reading(event, phone) for phone in event.readings if phone != event.phone)]
