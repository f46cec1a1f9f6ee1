"""Phone numbers as webhooks have them: `shared.phones` reads them, sender numbers from a cache of this process."""

from functools import lru_cache

from shared.phone_numbers import normalise_sender_number
from shared.phones import normalise_phone

_SENDER_NUMBERS_KEPT = 4096

phone = normalise_phone
sender_number = lru_cache(maxsize=_SENDER_NUMBERS_KEPT)(normalise_sender_number)
