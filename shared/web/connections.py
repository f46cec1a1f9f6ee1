"""All connections of a port: how many there may be, which one makes room for another, and which took too long."""

import asyncio
import enum
from collections import Counter
from typing import Protocol

from shared import metrics
from shared.web.addresses import is_in
from shared.web.limits import HttpLimits

_LOOK_SECONDS = 0.5


class Doing(enum.Enum):
    """The activity of a connection. Each but `ANSWERING` has a time limit; the first five make room, in this order."""

    NOTHING_YET = "header"  # no request so far
    WAITING = "idle"  # for the next request
    CLOSING = "closing"
    DRAINING = "drain"  # an answered request's body
    SENDING = "write"  # an answer that its client does not take
    RECEIVING = "body"
    ANSWERING = "answering"


_MAKES_ROOM = (Doing.NOTHING_YET, Doing.WAITING, Doing.CLOSING, Doing.DRAINING, Doing.SENDING)


class HttpConnection(Protocol):
    """A connection as the book sees it."""

    @property
    def address(self) -> str: ...

    @property
    def unread_bytes(self) -> int:
        """Of a body that its application has not asked for yet."""

    @property
    def unsent_bytes(self) -> int:
        """Of an answer that its client does not take."""

    def doing(self) -> tuple[Doing, int]:
        """Return what it does, and a number that is another one when it does it again."""

    def expire(self, doing: Doing) -> None:
        """End it: it took too long."""

    def abort(self, limit: str) -> None:
        """End it at once."""


class Connections:
    """The book of a port's connections. A look at all of them, twice a second, takes the place of a timer for each."""

    def __init__(self, limits: HttpLimits) -> None:
        self.limits = limits
        self._open: dict[HttpConnection, tuple[Doing, int, float] | None] = {}
        self._per_address: Counter[str] = Counter()
        self._unsent: dict[HttpConnection, int] = {}
        self._unread_upper_bound_bytes = 0
        self._looks = False
        self._seconds = {
            Doing.NOTHING_YET: limits.header_seconds,
            Doing.WAITING: limits.header_seconds,
            Doing.RECEIVING: limits.body_seconds,
            Doing.DRAINING: limits.drain_seconds,
            Doing.SENDING: limits.write_seconds,
            Doing.CLOSING: limits.drain_seconds,
        }

    @property
    def count(self) -> int:
        return len(self._open)

    def admit(self, connection: HttpConnection) -> bool:
        """Add a connection, at the cost of another where there are too many; False where there is no room."""
        if not self._has_room(connection.address):
            return False
        self._open[connection] = None
        self._per_address[connection.address] += 1
        metrics.CONNECTIONS.inc()
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
        return True

    def _has_room(self, address: str) -> bool:
        limits = self.limits
        limit = limits.connections_per_address
        if limit and self._per_address[address] >= limit and not is_in(address, limits.shared_networks):  # noqa: SIM102
            if not self._make_room(address):
                return False
        return len(self._open) < limits.connections or self._make_room(None)

    def _make_room(self, address: str | None) -> bool:
        """End a connection, of this address where one is given, that waits for its client; False if none does."""
        waiting: dict[Doing, HttpConnection] = {}
        for connection in self._open:
            if address is None or connection.address == address:
                doing, _ = connection.doing()
                waiting.setdefault(doing, connection)  # the oldest of each kind
                if doing is Doing.NOTHING_YET:
                    break
        for doing in _MAKES_ROOM:
            if doing in waiting:
                waiting[doing].abort("connections")
                self.remove(waiting[doing])
                return True
        return False

    def remove(self, connection: HttpConnection) -> None:
        """Forget a connection; it may be forgotten already."""
        if connection in self._open:
            del self._open[connection]
            self._unsent.pop(connection, None)
            self._per_address[connection.address] -= 1
            if not self._per_address[connection.address]:
                del self._per_address[connection.address]
            metrics.CONNECTIONS.dec()

    def may_keep(self, body_bytes: int) -> bool:
        """Say whether so much more of a body may wait in memory for its application."""
        self._unread_upper_bound_bytes += body_bytes
        if (
            self._unread_upper_bound_bytes > self.limits.unread_body_bytes
        ):  # it only ever grew: look what is really there
            self._unread_upper_bound_bytes = body_bytes + sum(connection.unread_bytes for connection in self._open)
        return self._unread_upper_bound_bytes <= self.limits.unread_body_bytes

    def not_sent(self, connection: HttpConnection) -> None:
        """Note that a client does not take its answer; where all of these are too much, cut off the oldest."""
        if connection in self._open:
            self._unsent[connection] = connection.unsent_bytes
        while sum(self._unsent.values()) > self.limits.unsent_bytes:
            oldest = next(iter(self._unsent))
            self._unsent.pop(oldest)
            oldest.abort("unsent_bytes")

    def sent(self, connection: HttpConnection) -> None:
        """Note that the client took its answer."""
        self._unsent.pop(connection, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection, seen in list(self._open.items()):
            doing, number = connection.doing()
            if seen is None or seen[:2] != (doing, number):
                self._open[connection] = (doing, number, now)
            elif now - seen[2] >= self._seconds.get(doing, float("inf")):
                connection.expire(doing)
        self._looks = bool(self._open)
        if self._looks:
            loop.call_later(_LOOK_SECONDS, self._look)
