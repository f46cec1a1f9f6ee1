"""How the bytes of a call leave: by a deadline, in the same step as the last look at the clock, or never (G1).

Whoever makes calls to carriers writes them through a `PunctualTransport`: it looks at the clock and then hands the
bytes to the real one, which gives them to the system at once.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from services.sender import metrics
from shared.failpoints import failpoint
from shared.suppressions.fence_pass import WRITE_SECONDS, boottime

log = logging.getLogger(__name__)


class NotWrittenError(Exception):
    """The bytes would have left too late, and now never do; aiohttp reports it as a `ClientConnectionError`."""


@dataclass(slots=True)
class WriteDeadline:
    """One request on its way out.

    Attributes:
        write_by: from then on nothing is written, on the clock of `shared.suppressions.fence_pass.boottime`.
        begun: whether a byte of it may have left.
        over: whether its caller has gone on: nothing is written any more.
    """

    write_by: float
    begun: bool = False
    over: bool = False


class PunctualTransport:
    """A transport that writes all or nothing, and nothing too late.

    Args:
        real: the transport that is written to.
        deadline: of the call.
        unsent_bytes: how many bytes the system has not taken, where `real` does not know of all of them.
    """

    def __init__(self, real: Any, deadline: WriteDeadline, unsent_bytes: Callable[[], int] | None = None) -> None:
        self._real = real
        self._deadline = deadline
        self._unsent_bytes = unsent_bytes or real.get_write_buffer_size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def writelines(self, chunks: Iterable[bytes]) -> None:
        self.write(b"".join(chunks))

    def write(self, data: bytes) -> None:
        """Write at once; what the system does not take at once is given up with the connection.

        Raises:
            NotWrittenError: it is too late.
        """
        deadline, write_by, write = self._deadline, self._deadline.write_by, self._real.write
        begun_before = deadline.begun
        if deadline.over:
            raise NotWrittenError("the call is over")
        deadline.begun = True  # already now: nothing may come between the look at the clock and the write
        failpoint("sender.at_the_write")
        if boottime() < write_by:
            write(data)
            self._look_back()
        else:
            deadline.begun = begun_before
            raise NotWrittenError("the decision is too old")

    def _look_back(self) -> None:
        if boottime() >= self._deadline.write_by + WRITE_SECONDS:
            metrics.WRITTEN_LATE.inc()
            log.critical("a carrier call may have left on a decision that is older than a second")
        if self._unsent_bytes():
            self._real.abort()
