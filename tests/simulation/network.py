"""What lies between a simulated process and what it asks: time, and answers that come late or never."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from simulation.virtual_loop import OUTSIDE, SimulatedProcess, VirtualLoop, process_now

STARTS_AT = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
"""A time of the day at which no sending hours keep a message."""
FASTEST_SECONDS = 0.0005
USUAL_SECONDS = 0.004


class Network:
    """The ways to servers, each with its faults.

    Args:
        loop: whose clock counts.
        random: draws how long each message takes.
    """

    def __init__(self, loop: VirtualLoop, random: Random) -> None:
        self.loop = loop
        self.random = random
        self.slow_share = 0.0
        """The share of messages that take a hundred times as long."""
        self.log: list[str] = []
        self.outages: dict[str, float] = {}
        """Until when each server does not answer."""

    def note(self, text: str) -> None:
        """Add a line to the log of what happened: it must be the same, byte for byte, for the same seed."""
        self.log.append(f"{self.loop._now:.6f} {text}")

    def wall(self, off_by: float = 0.0) -> datetime:
        """Return the time of day by a clock that is off by this many seconds."""
        return STARTS_AT + timedelta(seconds=self.loop._now + off_by)

    def delay(self) -> float:
        drawn = self.random.random()
        if drawn < self.slow_share:
            return 0.05 + self.random.random() * 0.8
        return FASTEST_SECONDS + drawn * USUAL_SECONDS

    def outside(self, delay: float, callback: Callable[..., Any], *arguments: Any) -> None:
        """Call `callback` later, on no process's behalf."""
        self.loop.call_at(self.loop._now + delay, callback, *arguments, context=_OUTSIDE_CONTEXT)

    def until_up(self, server: str) -> float:
        """Return for how long the server answers nothing more."""
        return max(0.0, self.outages.get(server, 0.0) - self.loop._now)


class Line:
    """A connection: requests arrive in their order, one process's to one server."""

    def __init__(self, network: Network, server: str) -> None:
        self.network = network
        self.process: SimulatedProcess = process_now.get()
        self._server = server
        self._free_at = 0.0
        self._waiting: deque[Any] = deque()

    def ask(self, serve: Callable[[], Any]) -> "asyncio.Future[Any]":
        """Return the answer of the server, which computes it when the request has arrived."""
        network = self.network
        loop = network.loop
        answer: asyncio.Future[Any] = loop.create_future()
        arrives = max(self._free_at, loop._now + network.delay() + network.until_up(self._server))
        self._free_at = arrives
        self._waiting.append((serve, answer))
        network.outside(arrives - loop._now, self._serve)
        return answer

    def _serve(self) -> None:
        wait = self.network.until_up(self._server)
        if wait:
            self.network.outside(wait + self.network.delay(), self._serve)
            return
        serve, answer = self._waiting.popleft()
        try:
            result, error = serve(), None
        except Exception as raised:  # the server's answer, whatever it is
            result, error = None, raised
        self.network.outside(self.network.delay(), settle, answer, result, error)


def settle(answer: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    """Give the answer to whoever still waits for it."""
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)


def _outside_context() -> Context:
    context = copy_context()
    context.run(process_now.set, OUTSIDE)
    return context


_OUTSIDE_CONTEXT = _outside_context()
