"""Has messages wait while something may have been written to their account that did not reach us (G4)."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.sender import metrics
from services.sender.settings import SenderSettings
from services.sender.timing import Wait
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.reception.state import ReceptionLimits, ReceptionState, Standing
from shared.suppressions.account_settings import AccountSettings

log = logging.getLogger(__name__)

NOT_CAUGHT_UP = "not_caught_up"
"""The reason of a message that waits because of it."""
_WATCH_SECONDS = 2.0
_SETTLES_PER_GAP = 4
_BETWEEN_LOOKS = timedelta(milliseconds=1)
"""Of an account's messages that wait: a million are decided again in a quarter of an hour, not every half minute."""
_LEVELS = {"caught_up": logging.INFO, "waits": logging.WARNING, "given_up": logging.ERROR}


def utc_now() -> datetime:
    return datetime.now(UTC)


def reception_state(settings: SenderSettings) -> ReceptionState:
    """Return an empty state with the limits of the settings."""
    gap = timedelta(seconds=settings.reception_gap_seconds)
    known, wait = timedelta(seconds=settings.fence_seconds), timedelta(seconds=settings.catch_up_wait_seconds)
    return ReceptionState(ReceptionLimits(gap=gap, settle=gap / _SETTLES_PER_GAP, known=known, wait=wait))


class ReceptionRule:
    """A rule for departure: an account's messages wait while its reception is in doubt.

    Heartbeats have this machine's clock compared with those of other machines: not the clock of departures, which is
    the slower one of two, so that downtime would be noticed late.
    """

    def __init__(self, state: ReceptionState, clock: Callable[[], datetime] = utc_now) -> None:
        self._state = state
        self._clock = clock
        self._looks: dict[str, datetime] = {}
        """When the last message of each account that waits is decided again."""

    def earliest(self, request: MessageRequested, _: AccountSettings, now: datetime) -> Wait | None:
        """Return what the message has to wait for.

        Raises:
            TransientError: nothing is known of reception yet.
        """
        if not self._state.is_read:
            raise TransientError("it is not known yet whether webhooks are received")
        found = self._state.standing_of(request.account_id, self._clock())
        if found.standing == "waits":
            return Wait(self._next_look(request, now), NOT_CAUGHT_UP)
        self._looks.pop(request.account_id, None)
        return None

    def _next_look(self, request: MessageRequested, now: datetime) -> datetime:
        """Return when the message is decided again: after those of its account that wait already, and in its time."""
        limits = self._state.limits
        soonest = now + limits.settle
        last = self._looks.get(request.account_id)
        look = soonest if last is None else min(max(soonest, last + _BETWEEN_LOOKS), now + limits.wait)
        self._looks[request.account_id] = look
        if request.valid_until is not None:
            look = min(look, request.valid_until - limits.settle)
        return max(soonest, look)


class ReceptionWatch:
    """A watch that reports when an account begins to wait, when that ends, and when it is given up."""

    def __init__(self, state: ReceptionState, clock: Callable[[], datetime] = utc_now) -> None:
        self._state = state
        self._clock = clock
        self._reported: dict[str, Standing] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_WATCH_SECONDS)

    def look(self) -> None:
        """Report what has changed."""
        now = self._clock()
        standings = self._state.standings(now)
        for account_id, found in standings.items():
            if found.standing != self._reported.get(account_id, "caught_up"):
                log.log(_LEVELS[found.standing], "messages of account %s: %s", account_id, _said(found.standing))
                if found.reason:
                    log.log(_LEVELS[found.standing], "account %s: %s", account_id, found.reason)
        self._reported = {account_id: found.standing for account_id, found in standings.items()}
        for standing in _LEVELS:
            count = sum(found.standing == standing for found in standings.values())
            metrics.RECEPTION.labels(standing).set(count)


def _said(standing: Standing) -> str:
    match standing:
        case "caught_up":
            return "they leave again: the account is caught up with"
        case "waits":
            return "they wait until the account is caught up with at its gateways"
        case "given_up":
            return "they leave although the account is not caught up with: STOPLINE_CATCH_UP_WAIT_SECONDS have passed"
