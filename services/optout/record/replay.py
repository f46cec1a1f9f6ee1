"""Reads stored decisions again, to publish them where a process died before Kafka had them."""

from services.optout.record.entry import Entry, entries
from shared.postgres import Connection

_STORED = """
SELECT entry FROM decisions JOIN partition_positions USING (partition)
WHERE partition = $1 AND inbound_offset >= $2 + inbound_base AND inbound_offset < $3 + inbound_base
ORDER BY inbound_offset
"""


async def load_entries(connection: Connection, partition: int, from_offset: int, to_offset: int) -> list[Entry]:
    """Return the entries for the offsets from `from_offset` up to, not with, `to_offset`."""
    rows = await connection.fetch(_STORED, partition, from_offset, to_offset)
    return [entries.validate_json(row[0]) for row in rows]
