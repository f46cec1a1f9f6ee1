"""Deadlines for operations that are nearly always quick; they share one timer.

`asyncio.timeout` makes a timer for each wait and throws it away when the wait is over. These share a timer that looks
every 50 ms for waits that have taken too long; decision 30 has what that saves.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Any

_TICK_SECONDS = 0.05


class Deadlines:
    """A source of deadlines of `seconds` each: `with deadlines.new(): await …` raises what `asyncio.timeout` raises."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: deque[Deadline] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        """Set while it ticks: to look the loop up is a system call in Python 3.11."""

    def new(self) -> "Deadline":
        """Start a deadline for the calling task."""
        loop = self._loop or self._begin()
        deadline = Deadline(loop.time() + self._seconds, asyncio.current_task(loop))
        self._running.append(deadline)
        return deadline

    def _begin(self) -> asyncio.AbstractEventLoop:
        self._loop = loop = asyncio.get_running_loop()
        loop.call_later(_TICK_SECONDS, self._tick, loop)
        return loop

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._running and self._running[0].is_over(now):
            self._running.popleft()
        if self._running:
            loop.call_later(_TICK_SECONDS, self._tick, loop)
        else:
            self._loop = None


class Deadline:
    """A single deadline of `Deadlines`, with the semantics of `asyncio.Timeout`."""

    __slots__ = ("_cancelling", "_ends", "_expired", "_task")

    def __init__(self, ends: float, task: asyncio.Task[Any] | None) -> None:
        self._ends = ends
        self._expired = False
        self._task = task
        self._cancelling = task.cancelling() if task else 0

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
