"""When a message may leave: its own times, and the rules that may have it wait; no I/O.

Before the fence only a message's own times count, after it the departure rules too (sending hours, downtime of
inbound): they need what the fence covers. What waits is decided again when its time has come, from the beginning.

| the message                                                | becomes                          |
|------------------------------------------------------------|----------------------------------|
| may leave at no time, by a departure rule                  | rejected, by the rule's reason   |
| is to be sent more than a year ahead                       | rejected, `too_far`              |
| is valid until a time that is not after `send_at`          | rejected, `invalid_times`        |
| was valid until now, or will not be when it could leave    | rejected, `expired`              |
| is not due yet, or a departure rule has it wait            | waits until the latest of these  |
| else                                                       | leaves                           |
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol

from services.sender.gate import Judged
from shared.events.base import format_time
from shared.events.outbound import MessageRequested
from shared.gate import Rejection
from shared.suppressions.account_settings import AccountSettings

LONGEST_AHEAD = timedelta(days=366)
SEND_AT = "send_at"
"""The reason of a message that waits for its own time."""
PAUSE = "carrier_pause"
"""The reason of one whose carrier, or sender number there, has asked for a pause, or whose carrier is out of reach."""


class Wait(NamedTuple):
    """A message waits: until when at the earliest, and for what.

    `reason` is one word of lower-case letters and underscores; after a colon, a name may say more of it.
    """

    until: datetime
    reason: str


class Untimely(NamedTuple):
    """A message that cannot leave at a time that it allows: `detail` is one line and says what to do."""

    reason: Literal["too_far", "invalid_times", "expired", "no_sending_hours", "unknown_place"]
    detail: str


Timing = Wait | Untimely | None
"""When a message leaves; None: now, as far as time is concerned."""
Verdict = Judged | Wait | Untimely
"""A message as it may be sent now, or why it must not be."""


class DepartureRule(Protocol):
    """A rule for when messages may leave, beside the times of the messages themselves: sending hours."""

    def earliest(self, request: MessageRequested, account: AccountSettings, now: datetime) -> Timing:
        """Return what the message has to wait for, or why it never may leave; None: neither.

        Pure: the fence covers the account's settings. What is computed may be kept.
        """


def departure(request: MessageRequested, rules: Iterable[Timing], now: datetime) -> Timing:
    """Return when the message leaves: the first line of the module's table that fits counts.

    Args:
        request: the message.
        rules: what departure rules say of it.
        now: by the sender's clock (`services.sender.waiting.clock`).
    """
    wait = _longest(rules, now)
    if isinstance(wait, Untimely) or (request.send_at is None and request.valid_until is None):
        return wait
    if request.send_at is not None and request.send_at > now:
        if request.send_at > now + LONGEST_AHEAD:
            return _too_far(request.send_at)
        if wait is None or wait.until < request.send_at:
            wait = Wait(request.send_at, SEND_AT)
    return _within_validity(request, wait, now)


def _longest(rules: Iterable[Timing], now: datetime) -> Timing:
    """Return the longest that departure rules have a message wait, or the first reason why it may leave at no time."""
    longest: Wait | None = None
    for each in rules:
        if isinstance(each, Untimely):
            return each
        if each is not None and each.until > now and (longest is None or each.until > longest.until):
            longest = each
    return longest


def _within_validity(request: MessageRequested, wait: Wait | None, now: datetime) -> Timing:
    until = request.valid_until
    if until is None:
        return wait
    if request.send_at is not None and until <= request.send_at:
        return Untimely(
            "invalid_times", f"valid_until: {format_time(until)} is not after send_at, {format_time(request.send_at)}"
        )
    if until <= now:
        return Untimely("expired", f"valid_until: it could have left only after {format_time(until)}")
    if wait is not None and until <= wait.until:
        return Untimely(
            "expired",
            f"valid_until: it is {format_time(until)}, and the message has to wait until {format_time(wait.until)}"
            f" ({wait.reason})",
        )
    return wait


def _too_far(send_at: datetime) -> Untimely:
    return Untimely(
        "too_far", f"send_at: {format_time(send_at)} is more than {LONGEST_AHEAD.days} days ahead; request it later"
    )


def with_timing(
    judged: Sequence[Judged],
    requests: Sequence[MessageRequested],
    rules: Iterable[Iterable[Timing]],
    now: datetime,
) -> list[Verdict]:
    """Return the verdict of gate and time on each message: what the gate rejects is rejected at any time.

    Args:
        judged: the gate's verdicts; before a fence, the requests themselves.
        requests: the messages, in the same order.
        rules: what departure rules say of each of them, in the same order.
        now: by the sender's clock.
    """
    return [
        verdict if isinstance(verdict, Rejection) else departure(request, its, now) or verdict
        for verdict, request, its in zip(judged, requests, rules, strict=False)
    ]
