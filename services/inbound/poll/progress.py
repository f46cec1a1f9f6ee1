"""How far the lists of accounts have been read."""

from datetime import datetime


class ProgressInMemory:
    """A memory that a process forgets when it ends."""

    def __init__(self) -> None:
        self._complete_to: dict[tuple[str, str], datetime] = {}

    def complete_to(self, account_id: str, gateway: str) -> datetime | None:
        return self._complete_to.get((account_id, gateway))

    async def note(self, account_id: str, gateway: str, complete_to: datetime) -> None:
        self._complete_to[account_id, gateway] = complete_to
