"""Numbers for tests: of 555 exchanges, which nobody has."""

import random
from collections.abc import Container

SENDER_NUMBER = "+18335550123"
_AREA_CODES = ("204", "236", "250", "403", "416", "438", "514", "604")
_ATTEMPTS = 1000


def unused_number(used: Container[str]) -> str:
    """Return a Canadian number that is not in `used`."""
    for _ in range(_ATTEMPTS):
        number = f"+1{random.choice(_AREA_CODES)}555{random.randrange(10_000):04d}"  # noqa: S311 (no secret)
        if number not in used:
            return number
    raise ValueError("an account has at most 80,000 phones of this kind: give numbers of your own")
