"""Whose message it is where `from` can be read in several ways: pure. What was sent decides; else all are meant."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

from services.optout.decide import Decision, OptIn, Unchanged
from shared.events.inbound import MAX_READINGS, NOBODY, MessageReceived
from shared.phones import national_reading

WriterCertainty = Literal["certain", "possible", "another", "unknown"]


def is_ambiguous(event: MessageReceived) -> bool:
    """Say whether `event.phone` may not be the one who wrote."""
    return bool(event.readings) or event.written_phone is not None


def readings_of(event: MessageReceived, country: str | None) -> tuple[str, ...]:
    """Return all numbers that may be meant, those of the account's country with them."""
    found = event.readings or (() if event.phone.startswith(NOBODY) else (event.phone,))
    national = national_reading(event.written_phone, country) if event.written_phone and country else None
    return tuple(dict.fromkeys((*found, national)))[:MAX_READINGS] if national else found


def certainty(event: MessageReceived, readings: Sequence[str], sent_to: AbstractSet[str]) -> WriterCertainty:
    """Say whether `event.phone` wrote it, by which of the `readings` messages were sent to."""
    if not readings:
        return "unknown"
    if event.phone not in readings:
        return "another"
    if len(readings) == 1 or _is_as_written(event):
        return "certain"
    mine, others = event.phone in sent_to, any(phone in sent_to for phone in readings if phone != event.phone)
    if mine != others:
        return "certain" if mine else "another"
    return "possible"


def _is_as_written(event: MessageReceived) -> bool:
    """Say whether the number named its country and is this one: the others are forms that may be the same person's."""
    return event.written_phone is None and event.phone == event.readings[0]


def limited_by_certainty(decision: Decision, how: WriterCertainty) -> Decision:
    """Return what of `decision` may be done: opting out is safe for all who may be meant, anything else is not."""
    if how == "certain":
        return decision
    if how == "unknown":
        return Unchanged("unknown_number")
    if how == "another" or isinstance(decision, OptIn):
        return Unchanged("another_number")
    return Unchanged(decision.reason, decision.match) if isinstance(decision, Unchanged) else decision
