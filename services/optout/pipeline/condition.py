"""How a worker does, for the health check and for the log: what it is at, and why it cannot go on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

_SLOW_SECONDS = 2.0
_RECOVERED_SECONDS = 2.0

WorkerState = Literal["starting", "running", "halted", "ending"]


@dataclass(slots=True)
class Condition:
    """The condition of one worker. One that fails again and again runs for moments in between: that is not running."""

    seconds: Callable[[], float] = time.monotonic
    state: WorkerState = "starting"
    offset: int | None = None
    """The next to be decided; None: not known yet."""
    _cause: str = ""
    _running_since: float = 0.0
    _busy_since: float | None = None

    def runs(self, offset: int) -> None:
        """Note that a session has begun at `offset`."""
        self.state, self.offset = "running", offset
        self._running_since, self._busy_since = self.seconds(), None

    def begins(self, offset: int) -> None:
        """Note that a batch is taken up."""
        self.offset, self._busy_since = offset, self.seconds()

    def ends(self, next_offset: int) -> None:
        """Note that the batch is decided and published."""
        self.offset, self._busy_since, self._cause = next_offset, None, ""

    def fails(self, state: WorkerState, cause: str) -> None:
        """Note why it cannot go on, for now or until a person has looked."""
        self.state, self._cause, self._busy_since = state, cause, None

    def trouble(self) -> str | None:
        """Return why nothing is decided; None: everything is, or there is nothing to decide."""
        if self.state != "running":
            return f"{self.state} at offset {self.offset}" + (f": {self._cause}" if self._cause else "")
        now = self.seconds()
        if self._busy_since is not None and now - self._busy_since > _SLOW_SECONDS:
            return f"the batch at offset {self.offset} has been under way for {now - self._busy_since:.0f} s"
        if self._cause and now - self._running_since < _RECOVERED_SECONDS:
            return f"just recovered at offset {self.offset}: {self._cause}"
        return None
