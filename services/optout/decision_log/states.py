"""Reads the states of all suppressions of a partition, as they are now."""

from collections.abc import AsyncIterator
from uuid import UUID

from shared.events.suppression import SuppressionChanged
from shared.postgres import Connection
from shared.suppressions.placement import partitions_of

# Those of other spellings that were merged stay in the topic, and counted.
_STATES = """
SELECT account_id, scope, phone, state, cause_event_id, changed_at FROM suppressions
UNION ALL SELECT account_id, scope, phone, state, cause_event_id, changed_at FROM merged_suppressions
"""
_DECIDED_AFTER = """
SELECT EXISTS (
    SELECT FROM decisions later JOIN decisions earlier USING (partition)
    WHERE later.event_id = $1 AND earlier.event_id = $2 AND later.inbound_offset > earlier.inbound_offset
)
"""
_ROWS_AT_ONCE = 2_000


async def states_of_partition(
    connection: Connection, partition: int, partitions: int
) -> AsyncIterator[SuppressionChanged]:
    """Give the event for each suppression whose phone belongs to the partition; inside a transaction."""
    cursor = await connection.cursor(_STATES)
    while rows := await cursor.fetch(_ROWS_AT_ONCE):
        placed = partitions_of([row["phone"].encode() for row in rows], partitions)
        for (account_id, scope, phone, state, cause, at), place in zip(rows, placed, strict=True):
            if place == partition:
                yield SuppressionChanged(
                    account_id=account_id, scope=scope, phone=phone, state=state, cause_event_id=cause, changed_at=at
                )


async def is_decided_after(connection: Connection, later: UUID, earlier: UUID) -> bool:
    """Say whether one event was certainly decided after another: both are in the decision log, in this order."""
    found: bool = await connection.fetchval(_DECIDED_AFTER, later, earlier)
    return found
