"""Canonical phone numbers: every spelling of a subscriber becomes one number in E.164, where it enters."""

from shared.phones.canonical import E164, normalise_phone, settled_phone
from shared.phones.event_fields import Phone, RequestedPhone, SenderNumber, normalise_sender_number
from shared.phones.readings import national_reading, readings
from shared.phones.writing import mask

__all__ = [
    "E164",
    "Phone",
    "RequestedPhone",
    "SenderNumber",
    "mask",
    "national_reading",
    "normalise_phone",
    "normalise_sender_number",
    "readings",
    "settled_phone",
]
