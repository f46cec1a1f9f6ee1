"""Reads stored decisions again: to publish them where a process died before Kafka had them, and to check the chain."""

import hashlib

from services.optout.record.connection import Connection
from services.optout.record.entry import Entry, entries

_STORED = """
SELECT entry FROM decisions JOIN partition_positions USING (partition)
WHERE partition = $1 AND inbound_offset >= $2 + inbound_base AND inbound_offset < $3 + inbound_base
ORDER BY inbound_offset
"""

_CHAIN = "SELECT sequence, entry, hash, body FROM decisions WHERE partition = $1 ORDER BY sequence"


async def load_entries(connection: Connection, partition: int, from_offset: int, to_offset: int) -> list[Entry]:
    """Return the entries for the offsets from `from_offset` up to, not with, `to_offset`."""
    rows = await connection.fetch(_STORED, partition, from_offset, to_offset)
    return [entries.validate_json(row[0]) for row in rows]


async def first_broken_entry(connection: Connection, partition: int) -> int | None:
    """Return the sequence number of the first entry that is not as it was written; None if all are.

    Sequence numbers start at 1. Every entry's hash must follow from the one before, its text must have the SHA-256 that
    the entry names, and the chain must end where `partition_positions` says it does.
    """
    previous, expected = b"", 1
    async with connection.transaction(readonly=True, isolation="repeatable_read"):
        async for sequence, entry, stored, body in connection.cursor(_CHAIN, partition):
            chained = hashlib.sha256(previous + entry.encode()).digest()
            if (sequence, stored) != (expected, chained) or not _is_text_of(entry, body):
                return expected
            previous, expected = chained, expected + 1
        head = await connection.fetchval("SELECT head_hash FROM partition_positions WHERE partition = $1", partition)
    return None if (head or b"") == previous else expected


def _is_text_of(entry: str, body: str) -> bool:
    return hashlib.sha256(body.encode()).hexdigest() == entries.validate_json(entry).body_sha256
