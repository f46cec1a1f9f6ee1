"""Requests that look at the clock in the same step as they write to the socket, whatever their client does between.

aiohttp decides by itself when the bytes of a request are written: on Python 3.11 in a task of the event loop's next
round. A process that is frozen in between would send on an old decision when it wakes up (G1). So the client is given a
transport that looks at the clock and then hands the bytes to the real one, which gives them to the system at once.
"""

import logging
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from aiohttp.connector import Connection

from services.sender import metrics
from shared.failpoints import failpoint
from shared.suppressions.fence_pass import WRITE_SECONDS, boottime

log = logging.getLogger(__name__)


class NotWrittenError(Exception):
    """The bytes would have left too late, and now never do; aiohttp reports it as a `ClientConnectionError`."""


@dataclass(slots=True)
class Departure:
    """One request on its way out.

    Attributes:
        begin_by: from then on nothing is written, on the clock of `shared.suppressions.fence_pass.boottime`.
        begun: whether a byte of it may have left.
        over: whether its caller has gone on: nothing is written any more.
    """

    begin_by: float
    begun: bool = False
    over: bool = False


departure_of_call: ContextVar[Departure] = ContextVar("departure_of_call")
"""Set by whoever makes a request with a `PunctualRequest`."""


class PunctualRequest(aiohttp.ClientRequest):
    """A request whose bytes leave by its `Departure`, or not at all."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        failpoint("sender.with_connection")
        return await super().send(cast("Connection", _Connection(conn, departure_of_call.get())))


class _Connection:
    """A connection whose protocol has a punctual transport; everything else is that of the real one."""

    def __init__(self, real: Connection, departure: Departure) -> None:
        self._real = real
        self.protocol = _Protocol(real.protocol, departure)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Protocol:
    def __init__(self, real: Any, departure: Departure) -> None:
        self._real = real
        self.transport = _Transport(real.transport, departure)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Transport:
    """A transport that writes all or nothing, and nothing too late."""

    def __init__(self, real: Any, departure: Departure) -> None:
        self._real = real
        self._departure = departure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def writelines(self, chunks: Iterable[bytes]) -> None:
        self.write(b"".join(chunks))

    def write(self, data: bytes) -> None:
        """Write at once; what the system does not take at once is given up with the connection.

        Raises:
            NotWrittenError: it is too late.
        """
        departure, begin_by, write = self._departure, self._departure.begin_by, self._real.write
        begun_before = departure.begun
        if departure.over:
            raise NotWrittenError("the call is over")
        departure.begun = True  # already now: nothing may come between the look at the clock and the write
        failpoint("sender.at_the_write")
        if boottime() < begin_by:
            write(data)
            self._look_back()
        else:
            departure.begun = begun_before
            raise NotWrittenError("the decision is too old")

    def _look_back(self) -> None:
        if boottime() >= self._departure.begin_by + WRITE_SECONDS:
            metrics.WRITTEN_LATE.inc()
            log.critical("a carrier call may have left on a decision that is older than a second")
        if self._real.get_write_buffer_size():
            self._real.abort()
