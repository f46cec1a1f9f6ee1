"""How often an account messages one recipient: whether one more message may leave, and when; no I/O."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from shared.events.outbound import MessageRequested
from shared.events.suppression import FrequencyCap

FREQUENCY = "frequency_cap"
"""The reason of a message that waits, or is rejected, because its recipient has had enough."""
_TICK = timedelta(microseconds=1)
_REMEMBERED = 20
_REMEMBERED_FOR = timedelta(hours=1)
"""A message comes again within this time if its sender died after it had counted it."""


def is_counted(request: MessageRequested, cap: FrequencyCap) -> bool:
    """Say whether a message is under the cap of its account, and counts for it."""
    if request.confirms_opt_out is not None:
        return False
    if cap.exempts_transactional and request.purpose == "transactional":
        return False
    return not (cap.exempts_conversational and request.conversational)


def list_counted(request: MessageRequested, cap: FrequencyCap) -> int:
    """Return the list whose messages count together with this one; 0: those of all lists do."""
    return request.list_id if cap.per_list else 0


def kept(times: Sequence[datetime], cap: FrequencyCap, now: datetime) -> list[datetime]:
    """Return those of the times that still count, in their order."""
    oldest = now - timedelta(hours=cap.hours)
    return sorted(at for at in times if at > oldest)


def next_at(times: Sequence[datetime], cap: FrequencyCap) -> datetime | None:
    """Return when the next message may leave: when enough of those that count have become too old; None: now."""
    return times[-cap.messages] + timedelta(hours=cap.hours) if len(times) >= cap.messages else None


def new_time(times: Sequence[datetime], now: datetime) -> datetime:
    """Return the time that one more message counts under: its own, so that it alone can be taken out again."""
    return max(now, times[-1] + _TICK) if times else now


def remembered(message_times: Mapping[str, datetime], times: Sequence[datetime], now: datetime) -> dict[str, datetime]:
    """Return those of the last messages, by id, that count under their time: such a one that comes again is the same.

    Few, and not for long: each is written again with each message to its recipient.
    """
    counted = set(times)
    found = [each for each in message_times.items() if each[1] in counted and now - each[1] < _REMEMBERED_FOR]
    return dict(sorted(found, key=lambda each: each[1])[-_REMEMBERED:])
