"""The proof that a fence is completed, and for how long a decision that it began is fresh; no I/O."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

FRESH_SECONDS = 1.0
"""G1: no carrier call is written on a decision that began longer ago; decision 16 has what that cannot cover."""
WRITE_SECONDS = 0.1
"""Reserved for the write itself: the process may be descheduled between its look at the clock and the write."""


def boottime() -> float:
    """Return seconds of a clock that also runs while the process is stopped or the machine sleeps."""
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True)
class FencePass:
    """A completed fence: when the decision began, before the markers, and the markers' offsets by partition."""

    started_at: datetime
    started_boottime: float
    markers: Mapping[int, int]

    @property
    def partitions(self) -> frozenset[int]:
        """The inbound partitions that it covers."""
        return frozenset(self.markers)

    @property
    def write_by(self) -> float:
        """From this time on no carrier call is written, on the clock of `boottime`."""
        return self.started_boottime + FRESH_SECONDS - WRITE_SECONDS

    def has_expired(self, now: float) -> bool:
        """Say whether it is too late to write a carrier call; `now` is a time of `boottime`."""
        return now >= self.write_by
