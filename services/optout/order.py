"""Which of two replies was written later, as far as that can be known; where it cannot, the STOP holds. Pure.

A gateway's time says when a reply was written, often in whole seconds. Without one, a reply was written before it
was received. A gateway that never gives a time delivers in the order of writing, as far as anybody can know; one that
gives a time for the STOP and none, or none that can be used, for the START does not say which came first.

A gateway whose webhooks have no time may have one in its list of messages (`listed_sent_at`). A reply that was read
there was written at that time: a STOP counts from then, and a START only if that is after the STOP was received. The
webhooks of that gateway still come in the order of writing.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from services.optout.clicks import LINK
from services.optout.recipient import Suppression
from shared.events.inbound import MessageReceived, is_likely_time

_WHOLE_SECOND = timedelta(seconds=1)

Times = tuple[datetime | None, datetime | None]
"""`sent_at` and `untimed_at` of a suppression."""


def received_times(sent_at: datetime | None, unusable_sent_at: str | None, received_at: datetime) -> Times:
    """Return the times of a reply: its own, or when it was received if it came without one.

    A time that cannot be used counts as the latest that it can have been: when the reply was received.
    """
    if sent_at is not None:
        return (sent_at if is_likely_time(sent_at, received_at) else received_at), None
    return (received_at, None) if unusable_sent_at else (None, received_at)


def times_of(event: MessageReceived) -> Times:
    listed_at = listed_time(event)
    if listed_at is not None:
        return None, listed_at
    return received_times(event.sent_at, event.unusable_sent_at, event.occurred_at)


def strengthened(suppression: Suppression, event: MessageReceived) -> Suppression:
    """Return the suppression as one that was asked for again by `event`: no older, by either clock, than it was.

    Whatever it asked is answered by that: all.
    """
    sent_at, untimed_at = times_of(event)
    asked_at = sent_at or untimed_at if suppression.source == LINK else sent_at  # a click is no longer alone
    return replace(
        suppression,
        sent_at=_latest(suppression.sent_at, asked_at),
        untimed_at=_latest(suppression.untimed_at, untimed_at),
        question=None,
    )


def is_older(event: MessageReceived, suppression: Suppression) -> bool:
    """Say whether a reply was certainly written before the newest one that caused a suppression."""
    sent_at, _ = times_of(event)
    return sent_at is not None and suppression.sent_at is not None and sent_at < suppression.sent_at


def is_surely_later(opt_in: MessageReceived, suppression: Suppression) -> bool:
    """Say whether an opt-in was certainly written after all that asked for the suppression.

    A carrier's block was caused before it was reported, and a START to it may have the whole second of that moment.
    """
    written_at = opt_in.sent_at or listed_time(opt_in)
    if written_at is None:
        return opt_in.unusable_sent_at is None and suppression.sent_at is None
    if not is_likely_time(written_at, opt_in.occurred_at):
        return False
    untimed_at = suppression.untimed_at
    if untimed_at is not None and suppression.gateway is not None:
        untimed_at -= _WHOLE_SECOND
    return all(_is_after(written_at, stop_at) for stop_at in (suppression.sent_at, untimed_at) if stop_at)


def listed_time(event: MessageReceived) -> datetime | None:
    """Return the time of the gateway's list, where that is all there is and it can be right."""
    at = event.listed_sent_at
    is_timed = event.sent_at is not None or event.unusable_sent_at is not None
    return at if at is not None and not is_timed and is_likely_time(at, event.occurred_at) else None


def _is_after(opt_in_at: datetime, stop_at: datetime) -> bool:
    """Compare with the last moment that `stop_at` can mean: a whole second may be any moment within it."""
    return opt_in_at > stop_at if stop_at.microsecond else opt_in_at - stop_at >= _WHOLE_SECOND


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
