"""Values that gateways write, read as ours: what is optional and unreadable counts as missing."""

import re
from uuid import UUID, uuid4

from services.inbound.charsets import DAMAGED
from services.inbound.errors import WebhookError
from shared.events.base import MAX_BODY_CHARACTERS, derived_id
from shared.phones import normalise_phone, normalise_sender_number

_MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,128}")
_MAX_SHORT_TEXT = 512


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
