"""The times that gateways write, in every form that is known of one.

Unix time in seconds, milliseconds, microseconds or nanoseconds, with a fraction or without; ISO 8601 and its relatives
(a space for the T, `+0000`, ` UTC`, fourteen digits run together); RFC 2822 and what `date` prints. A time without a
zone is UTC, as the gateways that write such times say (Vonage, Plivo). A date alone is not a time, and a date whose day
and month could be swapped is not read.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from shared.events.inbound import is_likely_time

_MAX_CHARACTERS = 64
_UNIX = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE]\+?[0-9]{1,2})?")
_EPOCH = datetime.fromtimestamp(0, UTC)
_UNITS = (1, 10**3, 10**6, 10**9)
_USUAL_DIGITS = 10
"""Of Unix seconds, as nearly all gateways write them."""
_FROM_SECONDS, _TO_SECONDS = 978_307_200, 4_102_444_800
"""2001 and 2100: as a number in one of these units, no time between them is one between them in another."""
_RUN_TOGETHER = re.compile(r"(20[0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z?")
_ISO = re.compile(r"[0-9]{4}-?(?:[0-9]{2}-?[0-9]{2}|W[0-9]{2}-?[0-9]|[0-9]{3})[T ]\s*[0-9]{2}.*")
_SPACED_OFFSET = re.compile(r"\s+(?=[+-][0-9]{2}:?(?:[0-9]{2})?$)")
_UTC_NAME = re.compile(r"\s*(?:UTC|GMT|UT|Z)$")
_WORD = re.compile(r"[a-z]+")
_NAMES = frozenset(
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep",
     "oct", "nov", "dec")
)  # fmt: skip
_ZONES = frozenset(("utc", "gmt", "ut", "z", "est", "edt", "cst", "cdt", "mst", "mdt", "pst", "pdt"))
"""Those of RFC 2822: another one, such as IST, nobody can place."""


class GivenTime(NamedTuple):
    """A time as given: `at` if it is usable, else the original text in `unusable`; both None if none was given."""

    at: datetime | None = None
    unusable: str | None = None


def given_time(text: str | None, now: datetime) -> GivenTime:
    """Return what a gateway wrote as the time of a message that was received `now`."""
    written = text.strip() if text else ""
    if not written:
        return GivenTime()
    found = read_time(written)
    if found is None or not is_likely_time(found, now):
        return GivenTime(unusable=written[:_MAX_CHARACTERS])
    return GivenTime(found)


def read_time(text: str) -> datetime | None:
    """Return the time that `text` says, whether or not it is a likely one; None where it says none."""
    if len(text) > _MAX_CHARACTERS or not text.isascii():
        return None
    try:
        if len(text) == _USUAL_DIGITS and text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        return (_unix(text) if _UNIX.fullmatch(text) else None) or _calendar(text)
    except (ValueError, OverflowError, OSError, InvalidOperation, TypeError, IndexError):
        return None


def _unix(text: str) -> datetime | None:
    number = Decimal(text)
    for unit in _UNITS:
        if _FROM_SECONDS <= number / unit < _TO_SECONDS:
            return _EPOCH + timedelta(microseconds=int(number * 10**6 / unit))
    return None


def _calendar(text: str) -> datetime | None:
    upper = text.upper()
    if together := _RUN_TOGETHER.fullmatch(upper):
        year, month, day, hour, minute, second = map(int, together.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    if _ISO.fullmatch(upper):
        zoned = _SPACED_OFFSET.sub("", _UTC_NAME.sub("+00:00", upper))
        return _in_utc(datetime.fromisoformat(zoned))
    if all(word[:3] in _NAMES or word in _ZONES for word in _WORD.findall(text.lower())):
        return _in_utc(parsedate_to_datetime(text))
    return None


def _in_utc(found: datetime) -> datetime:
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
