"""Reads the states of all suppressions of a partition, as they are now."""

from collections.abc import AsyncIterator

from shared.events.suppression import SuppressionChanged
from shared.partitions import partition_of
from shared.postgres import Connection

# Those of other spellings that were merged stay in the topic, and counted.
_STATES = """
SELECT account_id, scope, phone, state, cause_event_id, changed_at FROM suppressions
UNION ALL SELECT account_id, scope, phone, state, cause_event_id, changed_at FROM merged_suppressions
"""
_PREFETCH = 2_000


async def states_of_partition(
    connection: Connection, partition: int, partitions: int
) -> AsyncIterator[SuppressionChanged]:
    """Give the event for each suppression whose phone belongs to the partition; inside a transaction."""
    async for account_id, scope, phone, state, cause, at in connection.cursor(_STATES, prefetch=_PREFETCH):
        if partition_of(phone, partitions) == partition:
            yield SuppressionChanged(
                account_id=account_id, scope=scope, phone=phone, state=state, cause_event_id=cause, changed_at=at
            )
