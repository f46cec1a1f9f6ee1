"""Turns at work that takes a processor or a database for seconds: who asks for it in a loop delays nobody else."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.optout.api.errors import ApiError


class AccountTurns:
    """The turns at one kind of work in this process; whoever gets none is refused at once, and holds nothing.

    Args:
        work: what is done, for the error.
        of_all: how many at once.
        of_account: how many at once of one account.
    """

    def __init__(self, work: str, *, of_all: int = 4, of_account: int = 2) -> None:
        self._work = work
        self._of_all = of_all
        self._of_account = of_account
        self._running: Counter[str] = Counter()

    @contextmanager
    def turn(self, account_id: str) -> Iterator[None]:
        """Have a turn while the `with` block runs.

        Raises:
            ApiError: 429, the account has as many as it may; 503, all are taken.
        """
        if self._running[account_id] >= self._of_account:
            message = f"{self._of_account} requests for {self._work} are being answered; wait for one before the next"
            raise ApiError(429, "slow_down", message, headers={"Retry-After": "1"})
        if self._running.total() >= self._of_all:
            message = f"many requests for {self._work} are being answered; try again"
            raise ApiError(503, "unavailable", message, headers={"Retry-After": "2"})
        self._running[account_id] += 1
        try:
            yield
        finally:
            self._running[account_id] -= 1
            self._running += Counter()  # forgets the accounts that have none
