"""How certain it is who wrote a reply whose number can be read in several ways (decision 24), and what may follow.

No I/O. What was sent decides: if messages went to one of the numbers alone, its holder wrote; else all of them may
have.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Literal

from services.optout.decide import Decision, OptIn, OptOut, Unchanged
from shared.events.inbound import MAX_READINGS, NOBODY, MessageReceived
from shared.phones import national_reading

WriterCertainty = Literal["certain", "possible", "another", "unknown"]


def limited_by_certainty(decision: Decision, how: WriterCertainty) -> Decision:
    """Return what of `decision` may be done: opting out is safe for all who may be meant, anything else is not.

    A confirmation would be one to somebody who has written nothing.
    """
    if how == "certain":
        return decision
    if how == "unknown":
        return Unchanged("unknown_number")
    if how == "another" or isinstance(decision, OptIn):
        return Unchanged("another_number")
    if isinstance(decision, OptOut):
        return replace(decision, confirmation=None)
    return Unchanged(decision.reason, decision.match) if isinstance(decision, Unchanged) else decision


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


def readings_of(event: MessageReceived, country: str | None) -> tuple[str, ...]:
    """Return all numbers that may be meant, those of the account's country with them."""
    found = known_readings(event)
    national = national_reading(event.written_phone, country) if event.written_phone and country else None
    return tuple(dict.fromkeys((*found, national)))[:MAX_READINGS] if national else found


def known_readings(event: MessageReceived) -> tuple[str, ...]:
    """Return the numbers that the inbound service found."""
    return event.readings or (() if event.phone.startswith(NOBODY) else (event.phone,))


def _is_as_written(event: MessageReceived) -> bool:
    """Say whether the number named its country and is this one: the others are forms that may be the same person's."""
    return event.written_phone is None and event.phone == event.readings[0]
