"""The clock by which messages leave: the earlier of the database's and this machine's; neither alone is trusted.

A message must not leave before its time because a clock jumped forward: both would have to. One that is slow delays
messages until the other sender, whose clock is right, takes them; `valid_until` counts by the same time.
The database's clock is carried on between two looks by `boottime`, which never jumps.
"""

from datetime import UTC, datetime, timedelta

from services.sender import metrics
from shared.suppressions.fence_pass import boottime


class DepartureClock:
    """A clock that has this machine's time until the database has been asked."""

    def __init__(self) -> None:
        self._noted: tuple[datetime, float] | None = None
        self._latest = datetime.now(UTC)

    def note(self, database_now: datetime) -> None:
        """Note the time that the database has just answered."""
        self._noted = database_now, boottime()
        metrics.CLOCK_DIFFERENCE.set((datetime.now(UTC) - database_now).total_seconds())

    def now(self) -> datetime:
        """Return the time by the clock that is earlier."""
        own, database = self._both()
        self._latest = max(own, database)
        return min(own, database)

    def latest(self) -> datetime:
        """Return the time of the last `now` by the clock that is later: hours have ended once one of both says so."""
        return self._latest

    def _both(self) -> tuple[datetime, datetime]:
        own = datetime.now(UTC)
        if self._noted is None:
            return own, own
        at, noted = self._noted
        return own, at + timedelta(seconds=boottime() - noted)
