"""The proof that a decision has a completed fence, and for how long it is fresh; no I/O."""

import time
from dataclasses import dataclass
from datetime import datetime

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

FRESH_SECONDS = 1.0
"""G1: the bytes of a carrier call never leave on a decision that began longer ago."""
WRITE_SECONDS = 0.1
"""Kept back of that for the write itself: a process may lose its processor after its look at the clock."""


def boottime() -> float:
    """Return seconds of a clock that also runs while the process is stopped or the machine sleeps."""
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True)
class FencePass:
    """A completed fence: when the decision began, which is before its markers were appended."""

    started_at: datetime
    started_boottime: float

    @property
    def begin_by(self) -> float:
        """When a carrier call must have begun, on the clock of `boottime`."""
        return self.started_boottime + FRESH_SECONDS - WRITE_SECONDS
