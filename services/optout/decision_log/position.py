"""How far the decision log of a partition is; moved first in every transaction, so that only one process can write."""

from dataclasses import dataclass, replace

import asyncpg

from shared.errors import TransientError
from shared.postgres import Connection

_READ = """
INSERT INTO partition_positions (partition) VALUES ($1)
ON CONFLICT (partition) DO UPDATE SET partition = excluded.partition
RETURNING next_offset, delivery_next_offset, sequence, head_hash, suppressed_count, suppressed_digest, inbound_base,
    read_from
"""

_MOVE = """
UPDATE partition_positions SET next_offset = $3 WHERE partition = $1 AND next_offset = $2
RETURNING next_offset, delivery_next_offset, sequence, head_hash, suppressed_count, suppressed_digest, inbound_base,
    read_from
"""

_LOOK = "SELECT next_offset FROM partition_positions WHERE partition = $1"
_IS_DECIDED = "SELECT EXISTS (SELECT FROM partition_positions WHERE partition = $1 AND next_offset >= $2)"

_SAVE = """
UPDATE partition_positions
SET sequence = $2, head_hash = $3, suppressed_count = $4, suppressed_digest = $5
WHERE partition = $1
"""

# A row that a transaction has changed names it until it has ended. `idle_in_transaction_session_timeout` does not end a
# process that fell asleep between the messages of one statement (Postgres calls it active) nor `statement_timeout`.
_END_HOLDERS = """
SELECT session.pid, session.usename AS role,
    CASE WHEN pg_has_role(session.usesysid, 'MEMBER') THEN pg_terminate_backend(session.pid) ELSE false END AS ended
FROM partition_positions p
JOIN pg_locks holder ON holder.locktype = 'transactionid' AND holder.granted AND holder.transactionid = p.xmax
JOIN pg_stat_activity session USING (pid)
WHERE p.partition = $1 AND session.pid <> pg_backend_pid()
"""

_SAVE_SUPPRESSED = "UPDATE partition_positions SET suppressed_count = $2, suppressed_digest = $3 WHERE partition = $1"

_TWO_TO_64, _TWO_TO_63 = 1 << 64, 1 << 63


class PositionMovedError(Exception):
    """Another process has moved the position: what it decided is in the decision log, and is published from there."""


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a partition: how far its decision log is, and where its hash chain and its suppressions are then.

    Attributes:
        next_offset: of `inbound-messages`: everything before it is decided.
        delivery_next_offset: of `delivery-events`: everything before it is recorded.
        sequence: of the newest entry, counted from 1.
        head_hash: the hash of that entry, to which the next one is chained.
        suppressed_count: how many keys are suppressed; a checkpoint publishes it with the digest.
        digest: of these keys; unsigned here, signed in Postgres.
        inbound_base: added to offsets where they are stored, since `inbound-messages` may be recreated.
        read_from: nothing before it is read again: it was placed by another number of partitions.
    """

    next_offset: int
    delivery_next_offset: int
    sequence: int
    head_hash: bytes
    suppressed_count: int
    digest: int
    inbound_base: int = 0
    read_from: int = 0

    def with_suppressed(self, count: int, digest: int) -> "Position":
        """Return the position once this many more keys are suppressed, which add this to the digest."""
        total = (self.digest + digest) % _TWO_TO_64
        return replace(self, suppressed_count=self.suppressed_count + count, digest=total)

    def expected(self, next_offset: int) -> "Position":
        """Return the position, where it is the one that the caller knows.

        Raises:
            PositionMovedError: it is not.
        """
        if self.next_offset != next_offset:
            raise PositionMovedError(f"the position is {self.next_offset} and not {next_offset}: was it restored?")
        return self


async def read_position(connection: Connection, partition: int) -> Position:
    """Return the position of the partition; one that was never decided gets a row, and is at 0.

    The row is updated as it is, to lock it until the end of the transaction.
    """
    row = await connection.fetchrow(_READ, partition)
    assert row is not None  # noqa: S101 (the statement always returns one)
    return _position(row)


async def end_predecessors(connection: Connection, partition: int) -> int:
    """End the database sessions of those who hold the partition's row, and return how many there were.

    Called by whoever was just assigned the partition: a predecessor in the middle of a transaction is a zombie, and
    where it sleeps its successor would wait for it until it wakes up.

    Raises:
        TransientError: a session that is not ours to end has the row, such as an operator's.
    """
    holders = await connection.fetch(_END_HOLDERS, partition)
    for holder in holders:
        if not holder["ended"]:
            raise TransientError(
                f"the position of partition {partition} is locked by session {holder['pid']} of role {holder['role']};"
                f" if it does not end by itself: SELECT pg_terminate_backend({holder['pid']})"
            )
    return len(holders)


async def move_position(connection: Connection, partition: int, expected: int, next_offset: int) -> Position:
    """Move the position from `expected` to `next_offset`, holding its row until the transaction ends.

    Raises:
        PositionMovedError: it was not at `expected`.
    """
    row = await connection.fetchrow(_MOVE, partition, expected, next_offset)
    if row is None:
        raise PositionMovedError(f"partition {partition} is no longer at offset {expected}")
    return _position(row)


async def check_position(connection: Connection, partition: int, expected: int) -> None:
    """Look where the position is, without a lock.

    Raises:
        PositionMovedError: it is not at `expected`.
    """
    found = await connection.fetchval(_LOOK, partition)
    if found != expected:
        raise PositionMovedError(f"partition {partition} is at offset {found} and not at {expected}: was it restored?")


async def expect_decided(connection: Connection, partition: int, next_offset: int) -> None:
    """Make sure that everything below `next_offset` is decided.

    A session may find a database that has fallen back to before its own position, such as a replica that took over.

    Raises:
        PositionMovedError: it is not.
    """
    if not await connection.fetchval(_IS_DECIDED, partition, next_offset):
        raise PositionMovedError(f"partition {partition} is not decided up to offset {next_offset} any more")


async def save_position(connection: Connection, partition: int, position: Position) -> None:
    """Save the head of the hash chain and what a cache must hold; `next_offset` is saved by `move_position`."""
    signed, count = _signed(position.digest), position.suppressed_count
    await connection.execute(_SAVE, partition, position.sequence, position.head_hash, count, signed)


async def add_suppressed(
    connection: Connection, partition: int, position: Position, count: int, digest: int
) -> Position:
    """Add to what a cache must hold keys that come or go without a decision; return the position then."""
    now = position.with_suppressed(count, digest)
    await connection.execute(_SAVE_SUPPRESSED, partition, now.suppressed_count, _signed(now.digest))
    return now


def _signed(digest: int) -> int:
    return digest - _TWO_TO_64 if digest >= _TWO_TO_63 else digest


def _position(row: asyncpg.Record) -> Position:
    next_offset, delivery_next_offset, sequence, head_hash, count, signed, base, read_from = row
    return Position(next_offset, delivery_next_offset, sequence, head_hash, count, signed % _TWO_TO_64, base, read_from)
