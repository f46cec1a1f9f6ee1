"""Deadlines for operations that are nearly always quick; they share one timer.

`asyncio.timeout` makes a timer for each wait and throws it away when the wait is over. These share a timer that looks
every 50 ms for waits that have taken too long; decision 30 has what that saves.
"""

import asyncio
from collections import deque
from types import TracebackType

_TICK_SECONDS = 0.05


class Deadlines:
    """A source of deadlines of `seconds` each: `with deadlines.new(): await …` raises what `asyncio.timeout` raises."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: deque[Deadline] = deque()
        self._ticking = False

    def new(self) -> "Deadline":
        """Start a deadline for the calling task."""
        loop = asyncio.get_running_loop()
        deadline = Deadline(loop.time() + self._seconds)
        self._running.append(deadline)
        if not self._ticking:
            self._ticking = True
            loop.call_later(_TICK_SECONDS, self._tick)
        return deadline

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._running and self._running[0].is_over(now):
            self._running.popleft()
        self._ticking = bool(self._running)
        if self._ticking:
            loop.call_later(_TICK_SECONDS, self._tick)


class Deadline:
    """A single deadline of `Deadlines`, with the semantics of `asyncio.Timeout`."""

    __slots__ = ("_cancelling", "_ends", "_expired", "_task")

    def __init__(self, ends: float) -> None:
        self._ends = ends
        self._expired = False
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0

    def is_over(self, now: float) -> bool:
        """Return whether the wait is over; cancel it if it has taken too long."""
        if self._task is None:
            return True
        if now < self._ends:
            return False
        self._expired = True
        self._task.cancel()
        return True

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        task, self._task = self._task, None
        if not self._expired or task is None:
            return
        if task.uncancel() <= self._cancelling and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error
