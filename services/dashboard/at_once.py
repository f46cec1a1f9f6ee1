"""Limits on how much goes on at once: of all, and of one account, which cannot take the places of all others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.dashboard.refusals import PageError


class AtOnce:
    """A count of what goes on now, of one kind, with its limits.

    Args:
        most: of all accounts.
        most_of_account: of each.
        what: it is, in the words of the refusal.
    """

    def __init__(self, most: int, most_of_account: int, what: str) -> None:
        self._most = most
        self._most_of_account = most_of_account
        self._what = what
        self._of_accounts: Counter[str] = Counter()

    @property
    def count(self) -> int:
        return self._of_accounts.total()

    def check(self, account_id: str) -> None:
        """Check that there is room for one more.

        Raises:
            PageError: 503, there is none.
        """
        if self.count >= self._most or self._of_accounts.get(account_id, 0) >= self._most_of_account:
            raise PageError(503, f"Too many {self._what} at once", "Wait until one of them has ended, and try again.")

    @contextmanager
    def counted(self, account_id: str) -> Iterator[None]:
        """Count one until the `with` block ends."""
        self._of_accounts[account_id] += 1
        try:
            yield
        finally:
            self._of_accounts[account_id] -= 1
            if not self._of_accounts[account_id]:
                del self._of_accounts[account_id]
