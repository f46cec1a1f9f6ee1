"""The one answer that an opt-out may get (47 CFR 64.1200(a)(12)): its id, its text's digest, its time; no I/O."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from shared.events.base import derived_id
from shared.events.suppression import PublishedConfirmation

CONFIRMATION_WINDOW = timedelta(minutes=5)
"""After an opt-out was received, in which the law presumes that its confirmation is part of the consent."""


def confirmation_id(cause_event_id: UUID) -> str:
    """Return the message id of the confirmation of an opt-out: there is one, however often it is decided."""
    return f"confirmation-{derived_id(cause_event_id, 'opt_out_confirmation')}"


def confirmation_digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def confirmation_for(
    confirmations: Sequence[PublishedConfirmation], country: str | None, sender_number: str | None
) -> PublishedConfirmation | None:
    """Return what answers opt-outs in a country to a sender number: what names the number comes first."""
    here = [each for each in confirmations if each.country == country and sender_number is not None]
    own = (each for each in here if each.sender_number == sender_number)
    return next(own, None) or next((each for each in here if each.sender_number is None), None)
