"""Checks the hash chain of stored entries: whether somebody has changed, added or removed one since it was written."""

import hashlib
from dataclasses import dataclass

import asyncpg

from services.optout.record.entry import entries
from services.optout.record.link import follows
from shared.postgres import Connection

_PARTITIONS = "SELECT partition FROM partition_positions UNION SELECT partition FROM decisions ORDER BY partition"
_CHAIN = """
SELECT sequence, entry, hash, body, event_id, account_id, phone FROM decisions WHERE partition = $1 ORDER BY sequence
"""
_HEAD = "SELECT sequence, head_hash FROM partition_positions WHERE partition = $1"
_ROWS_AT_ONCE = 1000
_EMPTY_HEAD = (0, b"")


@dataclass(frozen=True)
class BrokenEntry:
    """The first entry of a partition that is not as it was written; sequence numbers start at 1."""

    sequence: int
    difference: str


@dataclass(frozen=True)
class ChainCheck:
    """The result of checking one partition: how many entries are intact, and the one after them if it is broken."""

    intact: int
    broken: BrokenEntry | None


async def partitions_with_entries(connection: Connection) -> list[int]:
    return [row["partition"] for row in await connection.fetch(_PARTITIONS)]


async def check_chain(connection: Connection, partition: int) -> ChainCheck:
    """Check every entry of a partition, as of now, with a bounded number of rows in memory.

    Each entry's hash must follow from its text and the hash before, the other columns must be what its text names, and
    the chain must end where `partition_positions` says it does.
    """
    previous, intact = b"", 0
    async with connection.transaction(readonly=True, isolation="repeatable_read"):
        async for row in connection.cursor(_CHAIN, partition, prefetch=_ROWS_AT_ONCE):
            difference = _difference(row, previous, intact + 1)
            if difference is not None:
                return ChainCheck(intact, BrokenEntry(intact + 1, difference))
            previous, intact = row["hash"], intact + 1
        length, head_hash = await connection.fetchrow(_HEAD, partition) or _EMPTY_HEAD
    if length > intact:
        return ChainCheck(
            intact, BrokenEntry(intact + 1, f"it is missing: partition_positions counts {length} entries")
        )
    if (length, head_hash) != (intact, previous):
        difference = f"partition_positions has another end of the chain: {length} entries, hash {head_hash.hex()}"
        return ChainCheck(intact, BrokenEntry(intact, difference))
    return ChainCheck(intact, None)


def _difference(row: asyncpg.Record, previous: bytes, expected: int) -> str | None:
    """Return how an entry differs from what was written; None where it does not."""
    if row["sequence"] != expected:
        return f"it is missing: entry {row['sequence']} is in its place"
    if not follows(row["hash"], previous, row["entry"]):
        return "its hash does not follow from its text and the entry before"
    try:
        entry = entries.validate_json(row["entry"])
    except ValueError:
        return "its text cannot be read"
    if entry.body_sha256 != hashlib.sha256(row["body"].encode()).hexdigest():
        return "the message is not the one whose SHA-256 the entry has"
    named = {"event_id": entry.event_id, "account_id": entry.account_id, "phone": entry.phone}
    differing = [name for name, value in named.items() if value != row[name]]
    return f"its {' and '.join(differing)} differ from its text" if differing else None
