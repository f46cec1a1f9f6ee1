"""Messages that are older than the attribution window are forgotten, faster than new ones come."""

from datetime import datetime

from services.optout.decision_log.deliveries import forget_sent
from services.optout.decision_log.drops import forget_drops
from shared.postgres import Connection

_EVERY_RECORDS = 1_000
_EVERY_BATCHES = 100


class Forgetting:
    """The deletions of a follower: from time to time, and more than it has recorded since the last time."""

    def __init__(self) -> None:
        self._batches = 0
        self._records = 0

    def due(self, records: int) -> int:
        """Count a batch of records; return how many messages of each kind to delete now, at most; 0: later."""
        self._batches += 1
        self._records += records
        if self._batches < _EVERY_BATCHES and self._records < _EVERY_RECORDS:
            return 0
        due = 2 * max(self._records, _EVERY_RECORDS)
        self._batches = self._records = 0
        return due


async def forget(connection: Connection, before: datetime, limit: int) -> None:
    """Delete up to `limit` messages that were sent before a time, and as many that were dropped."""
    await forget_sent(connection, before, limit)
    await forget_drops(connection, before, limit)
