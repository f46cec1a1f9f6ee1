"""How many requests may wait for something to arrive, at one time."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.sandbox.errors import RefusedError


class Patience:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count a request that waits as long as the `with` block.

        Raises:
            RefusedError: as many as there may be are waiting already.
        """
        if self._waiting >= self._limit:
            raise RefusedError(503, "too_many_waiting", f"{self._waiting} requests wait already; try again later")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
