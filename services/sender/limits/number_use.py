"""How much of a sender number's limits is used, and which messages may leave now; no I/O.

Per second it is a bucket of tokens, which holds one and those of a quarter of a second: what is looked at late by that
much loses none.
What may not leave gets a place in the number's queue: a time at which it is looked at again. Messages whose place has
come, and that find no token because they were looked at too late, queue for a second time, beside those that have not
had their turn yet: so that they do not go to the end of a queue of hours. A new message leaves at once only where
nothing queues.

What is over the day's count comes back the next day, one after the other and before new messages: of a million that
came back at midnight, others that are due would wait for all.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.sender.limits.number_limits import NumberLimit

BURST_SECONDS = 0.25
_GRID_SECONDS = 0.1
"""Messages of one number, or of several, become due together: each look costs a fence."""
_LOOK = timedelta(seconds=1 / 200)
"""Between two messages that come back at the start of a day."""
RATE, DAY = "sender_rate", "sender_daily_cap"
"""The reasons of messages that wait for their number."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NumberUse:
    """The use of one limit.

    Attributes:
        spent_until: tokens are spent up to that time; it is in the future where a long message was in debt.
        queue_until: the end of the queue of those that have not had their turn.
        late_until: the end of the queue of those that had it.
        day: the day that `sent` counts, by the limit's zone.
        sent: messages or segments that were handed over on it, or may have been.
        day_queue_until: the end of the queue of those that come back on a later day.
    """

    spent_until: datetime = _LONG_AGO
    queue_until: datetime = _LONG_AGO
    late_until: datetime = _LONG_AGO
    day: date = date.min
    sent: int = 0
    day_queue_until: datetime = _LONG_AGO


class NumberTurn(NamedTuple):
    """The time at which a message may leave, and what it waits for; `until` None: now."""

    until: datetime | None = None
    reason: str = ""


_NOW = NumberTurn()


def take_turn(
    use: NumberUse, limit: NumberLimit, cost: int, now: datetime, *, woken: bool
) -> tuple[NumberUse, NumberTurn]:
    """Return the use after one more message, and its turn.

    Args:
        use: of the limit, until now.
        limit: the limit.
        cost: what the message counts as.
        now: the time.
        woken: whether the message has waited, for whatever.
    """
    use = _today(use, limit, now)
    another_day = _another_day(use, limit, cost, now, woken=woken)
    if another_day is not None:
        return replace(use, day_queue_until=another_day + _LOOK), NumberTurn(_on_grid(another_day), DAY)
    if limit.per_second is not None:
        is_free = woken or max(use.queue_until, use.late_until) <= now
        spent = _spend(use, limit.per_second, cost, now) if is_free else None
        if spent is None:
            return _queue(use, cost / limit.per_second, now, woken=woken)
        use = spent
    return replace(use, sent=use.sent + cost), _NOW


def _another_day(use: NumberUse, limit: NumberLimit, cost: int, now: datetime, *, woken: bool) -> datetime | None:
    """Return when a message is to come back that the day has no room for; None: it has.

    A message that is larger than the cap leaves as the first of a day: it never could otherwise. A new one comes after
    those that waited for this day, as long as they come back.
    """
    if limit.per_day is None:
        return None
    tomorrow = start_of_next_day(use.day, limit.zone)
    if use.sent and use.sent + cost > limit.per_day:
        return max(use.day_queue_until, tomorrow)
    return use.day_queue_until if not woken and now < use.day_queue_until < tomorrow else None


def charge(use: NumberUse, limit: NumberLimit, cost: int, now: datetime) -> NumberUse:
    """Return the use after a message that waits for nothing: those after it wait for longer."""
    use = _today(use, limit, now)
    if limit.per_second is not None:
        base = _base(use, limit.per_second, now)
        use = replace(use, spent_until=base + timedelta(seconds=cost / limit.per_second))
    return replace(use, sent=use.sent + cost)


def _today(use: NumberUse, limit: NumberLimit, now: datetime) -> NumberUse:
    if limit.per_day is None:
        return use
    today = max(use.day, now.astimezone(ZoneInfo(limit.zone)).date())
    return replace(use, day=today, sent=use.sent if use.day == today else 0)


def _base(use: NumberUse, per_second: float, now: datetime) -> datetime:
    """Return until when tokens are spent, or were lost because the bucket was full."""
    return max(use.spent_until, now - timedelta(seconds=burst_of(per_second) / per_second))


def burst_of(per_second: float) -> float:
    """Return the tokens of a full bucket: how many messages may leave at once after a pause."""
    return 1 + per_second * BURST_SECONDS


def start_of_next_day(day: date, zone: str) -> datetime:
    """Return when the day after this one starts in the zone, in UTC."""
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _spend(use: NumberUse, per_second: float, cost: int, now: datetime) -> NumberUse | None:
    """Return the use with the tokens of one more message; None: there are not enough.

    A message that costs more than a burst leaves when the bucket is full, and those after it wait for it.
    """
    burst = burst_of(per_second)
    base = _base(use, per_second, now)
    if base + timedelta(seconds=min(cost, burst) / per_second) > now:
        return None
    return replace(use, spent_until=base + timedelta(seconds=cost / per_second))


def _queue(use: NumberUse, seconds: float, now: datetime, *, woken: bool) -> tuple[NumberUse, NumberTurn]:
    """Return the use with one more message in the queue, and its turn."""
    start = use.late_until if woken else max(use.queue_until, use.late_until)
    until = max(start, use.spent_until, now) + timedelta(seconds=seconds)
    use = replace(use, late_until=until) if woken else replace(use, queue_until=until)
    return use, NumberTurn(_on_grid(until), RATE)


def _on_grid(at: datetime) -> datetime:
    return datetime.fromtimestamp(math.ceil(at.timestamp() / _GRID_SECONDS) * _GRID_SECONDS, UTC)
