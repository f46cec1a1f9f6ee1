"""Canonical phone numbers: every spelling of a subscriber becomes one number in E.164, where it enters."""

from shared.phones.canonical import E164, normalise_phone, settled_phone
from shared.phones.readings import national_reading, readings

__all__ = ["E164", "national_reading", "normalise_phone", "readings", "settled_phone"]
