"""The times of a history: with a zone or without, as gateways and spreadsheets write them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from harness.audit.history import MICROSECONDS, BadCellError
from services.inbound.gateways.times import read_time

_EARLIEST = int(datetime(1995, 1, 1, tzinfo=UTC).timestamp()) * MICROSECONDS
_LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * MICROSECONDS
_REMEMBERED = 65_536
_DATE_CHARACTERS = 10
_SHOWN_CHARACTERS = 40
_EPOCH = datetime.fromtimestamp(0, UTC)
_LAST_SECOND = 59
_SECONDS = re.compile(r":[0-9]{2}:[0-9]{2}")
_ROUNDED = re.compile(r"[0-9]+[.,]?[0-9]*[eE]\+?[0-9]+")


def time_reader(zone: tzinfo, time_format: str | None, *, is_latest: bool = False) -> Callable[[str], int]:
    """Return a function from a text to microseconds since 1970; it raises `BadCellError`.

    A time that names no zone is of `zone`. One that may be several moments is the earliest of them, or the latest: an
    hour that occurs twice in its zone, and a minute without seconds. Campaigns send many messages in one second, so
    that texts are remembered.

    Args:
        zone: of times without one.
        time_format: of `datetime.strptime`; None for ISO 8601, Unix time, RFC 2822 and the like.
        is_latest: whether it is the latest moment that the text may mean.
    """

    @lru_cache(maxsize=_REMEMBERED)
    def read(text: str) -> int:
        found = _in_format(text, time_format) if time_format else _in_any_form(text, zone)
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone, fold=int(is_latest))
        if is_latest and _is_whole_minute(found, text):
            found = found.replace(second=_LAST_SECOND)
        since = found - _EPOCH
        at = (since.days * 86_400 + since.seconds) * MICROSECONDS + since.microseconds
        if not _EARLIEST <= at < _LATEST:
            raise BadCellError(f"{text[:_SHOWN_CHARACTERS]!r} is not a time between 1995 and 2100")
        return at

    return read


def _is_whole_minute(found: datetime, text: str) -> bool:
    return not (found.second or found.microsecond or _SECONDS.search(text) or _is_number(text))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _in_format(text: str, time_format: str) -> datetime:
    try:
        return datetime.strptime(text, time_format)  # noqa: DTZ007 (the zone follows)
    except ValueError:
        raise BadCellError(f"{text[:_SHOWN_CHARACTERS]!r} is not a time as --time-format writes it") from None


def _in_any_form(text: str, zone: tzinfo) -> datetime:
    if _ROUNDED.fullmatch(text):
        raise BadCellError(f"{text[:_SHOWN_CHARACTERS]!r} was rounded by a spreadsheet: export the column as text")
    if _is_number(text):  # 1703111230500 in milliseconds would be half past midnight of a day in 1703
        return _as_gateways_write(text, zone)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _as_gateways_write(text, zone)
    if len(text) <= _DATE_CHARACTERS and text.count(":") == 0:
        return _as_gateways_write(text, zone)
    return found


def _as_gateways_write(text: str, zone: tzinfo) -> datetime:
    found = read_time(text)
    if found is None:
        raise BadCellError(
            f"{text[:_SHOWN_CHARACTERS]!r} is not a time that can be read for certain: write ISO 8601, such as"
            " 2026-11-28T17:45:00Z, or say which part is the day with --time-format, such as '%d/%m/%Y %H:%M'"
        )
    return found if _names_its_zone(text) else found.replace(tzinfo=zone)


def _names_its_zone(text: str) -> bool:
    """Say whether a time that is not ISO 8601 names its zone: Unix time is UTC, and words or an offset say which."""
    is_run_together = len(text) == len("20261128174500") and text.startswith("20")
    if _is_number(text):
        return not is_run_together
    return any(each in text[_DATE_CHARACTERS:] for each in "+-Z") or text.rstrip()[-1].isalpha()
