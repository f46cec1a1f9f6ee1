"""The limit on requests that wait for a message, a call or a webhook at one time."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.sandbox.refusals import RequestRefusedError


class WaitingLimit:
    """A limit on the requests that wait at one time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count a request as waiting inside the `with` block.

        Raises:
            RequestRefusedError: the limit is reached.
        """
        if self._waiting >= self._limit:
            raise RequestRefusedError(
                503, "too_many_waiting", f"{self._waiting} requests wait already; try again later"
            )
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
