"""The change of the number of partitions, as the database has it: what is under way, and the one step that ends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.optout.decision_log.topics import REPAIR
from shared.errors import MisconfiguredError, TransientError
from shared.postgres import Connection
from shared.suppression_digest import key_digest
from shared.suppressions.placement import partitions_of
from shared.topic_identity import is_same_topic

_UNFINISHED = """
SELECT change, partitions_before AS before, partitions_after AS after FROM partition_changes WHERE finished_at IS NULL
"""

_BEGIN = """
INSERT INTO partition_changes (partitions_before, partitions_after) VALUES ($1, $2)
RETURNING change, partitions_before AS before, partitions_after AS after
"""

_FINISH = "UPDATE partition_changes SET finished_at = now() WHERE change = $1 AND finished_at IS NULL"

_FORMER = "SELECT DISTINCT partitions_before FROM partition_changes WHERE finished_at IS NOT NULL"

# How many there are is the last part of a topic's identity.
_RECORDED = """
SELECT DISTINCT split_part(inbound_topic, '/', 3)::int FROM partition_positions WHERE inbound_topic IS NOT NULL
"""

_TOPICS = "SELECT DISTINCT inbound_topic, delivery_topic FROM partition_positions"

_POSITIONS = """
SELECT partition, next_offset, delivery_next_offset FROM partition_positions ORDER BY partition FOR UPDATE
"""

_HAS_DECIDED_SINCE = """
SELECT EXISTS (
    SELECT FROM decisions JOIN partition_positions USING (partition)
    WHERE partition = $1 AND inbound_offset >= $2 + inbound_base
)
"""

# Whoever decides next begins at `read_from`. `suppressions` is written again from this database.
_RE_KEY = f"""
INSERT INTO partition_positions AS p (partition, next_offset, read_from, delivery_next_offset, suppressed_count,
    suppressed_digest, inbound_topic, delivery_topic, suppressions_topic)
SELECT u.partition, u.next_offset, u.next_offset, u.delivery_next_offset, u.count, u.digest, $6, $7, '{REPAIR}'
FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS u (partition, next_offset, delivery_next_offset, count, digest)
ON CONFLICT (partition) DO UPDATE SET
    next_offset = excluded.next_offset, read_from = excluded.read_from,
    delivery_next_offset = excluded.delivery_next_offset, suppressed_count = excluded.suppressed_count,
    suppressed_digest = excluded.suppressed_digest, inbound_topic = excluded.inbound_topic,
    delivery_topic = excluded.delivery_topic, suppressions_topic = excluded.suppressions_topic
"""  # noqa: S608 (a constant)

_NOTE_LENGTHS = "INSERT INTO chain_lengths SELECT $1, partition, sequence FROM partition_positions"

# The states that wait to be published are in `suppressions` already, and so counted here.
_COUNTED = "UPDATE suppressions_to_publish SET counted = 0"

# As `states_of_partition` has them: those of other spellings that were merged stay in the topic, and counted.
_SUPPRESSED = """
SELECT account_id, scope, phone FROM suppressions WHERE state <> 'opted_in'
UNION ALL SELECT account_id, scope, phone FROM merged_suppressions WHERE state <> 'opted_in'
"""

_LINKS = "SELECT token, phone FROM opt_out_links WHERE token = ANY($1::text[])"

_ROWS_AT_ONCE = 10_000
_TWO_TO_64, _TWO_TO_63 = 1 << 64, 1 << 63


@dataclass(frozen=True, slots=True)
class ChangeOfPartitions:
    """A change that is not finished: from `before` partitions to `after`."""

    change: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class ProcessedOffsets:
    """The next offsets of two topics, by partition: everything before is processed."""

    inbound: Mapping[int, int]
    delivery: Mapping[int, int]


async def unfinished_change(connection: Connection) -> ChangeOfPartitions | None:
    row = await connection.fetchrow(_UNFINISHED)
    return None if row is None else ChangeOfPartitions(**row)


async def check_no_change(connection: Connection) -> None:
    """Refuse to run while the number of partitions is being changed.

    Raises:
        MisconfiguredError: says how it is finished.
    """
    change = await unfinished_change(connection)
    if change is not None:
        raise MisconfiguredError(
            f"the change from {change.before} to {change.after} partitions is not finished: run"
            f" `stopline partitions change {change.after}` again (docs/partitions.md)"
        )


async def recorded_partitions(connection: Connection) -> int | None:
    """Return how many partitions the positions were made with; None where nothing was ever decided.

    Raises:
        MisconfiguredError: they differ from each other, which no version of Stopline does.
    """
    numbers = [row[0] for row in await connection.fetch(_RECORDED)]
    if len(numbers) > 1:
        raise MisconfiguredError(f"partition_positions has topics of {sorted(numbers)} partitions")
    return numbers[0] if numbers else None


async def former_partitions(connection: Connection) -> frozenset[int]:
    """Return the numbers of partitions that there were before."""
    return frozenset([row[0] for row in await connection.fetch(_FORMER)])


async def check_same_topics(connection: Connection, inbound: str, delivery: str) -> None:
    """Refuse topics that are not this database's, however many partitions they have.

    Args:
        connection: to the decision log.
        inbound: the identity of `inbound-messages`.
        delivery: the identity of `delivery-events`.

    Raises:
        MisconfiguredError: the database, or Kafka, is another deployment's; or a topic was recreated.
    """
    for row in await connection.fetch(_TOPICS):
        for found, recorded in zip((inbound, delivery), row, strict=True):
            if recorded is not None and not is_same_topic(recorded, found):
                raise MisconfiguredError(
                    f"a topic is not the one of this database (it is {found}, was {recorded}): is"
                    " STOPLINE_OPTOUT_DATABASE_URL, or STOPLINE_KAFKA_BOOTSTRAP, another deployment's? If not, see"
                    " 'A topic was recreated' in docs/operations.md"
                )


async def begin_change(connection: Connection, before: int, after: int) -> ChangeOfPartitions:
    """Note that the change is under way: from here on no process of the opt-out service starts."""
    row = await connection.fetchrow(_BEGIN, before, after)
    assert row is not None  # noqa: S101 (the statement always returns one)
    return ChangeOfPartitions(**row)


async def read_progress(connection: Connection) -> ProcessedOffsets:
    rows = await connection.fetch(_POSITIONS)
    return ProcessedOffsets({row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows})


async def has_decided_since(connection: Connection, partition: int, offset: int) -> bool:
    """Say whether there are entries about records of the partition from `offset` on."""
    found: bool = await connection.fetchval(_HAS_DECIDED_SINCE, partition, offset)
    return found


async def phones_of_links(connection: Connection, tokens: Sequence[str]) -> dict[str, str]:
    """Return the phones that links were sent to, by token; one that was never sent, or is erased, is left out."""
    return {row["token"]: row["phone"] for row in await connection.fetch(_LINKS, tokens)}


async def finish_change(
    connection: Connection,
    change: ChangeOfPartitions,
    seen: ProcessedOffsets,
    ends: ProcessedOffsets,
    topics: tuple[str, str],
) -> None:
    """Have every partition go on at its end, with what its caches must hold by now; all or nothing.

    Args:
        connection: to the decision log.
        change: the one that this finishes.
        seen: how far it was when the records after it were copied.
        ends: where the next records are, of every partition that there is now.
        topics: the identities of `inbound-messages` and `delivery-events`.

    Raises:
        TransientError: something was decided meanwhile.
    """
    async with connection.transaction():
        if await read_progress(connection) != seen:
            raise TransientError("the opt-out service has decided something meanwhile: stop it, and run this again")
        counts, digests = await _suppressed(connection, change.after)
        numbers = range(change.after)
        columns = (
            list(numbers),
            [ends.inbound[number] for number in numbers],
            [ends.delivery[number] for number in numbers],
            counts,
            digests,
        )
        await connection.execute(_RE_KEY, *columns, *topics)
        await connection.execute(_NOTE_LENGTHS, change.change)
        await connection.execute(_COUNTED)
        await connection.execute(_FINISH, change.change)


async def _suppressed(connection: Connection, partitions: int) -> tuple[list[int], list[int]]:
    """Return count and digest of the suppressed keys of each partition, as `partition_positions` has them."""
    counts, digests = [0] * partitions, [0] * partitions
    cursor = await connection.cursor(_SUPPRESSED)
    while rows := await cursor.fetch(_ROWS_AT_ONCE):
        placed = partitions_of([row["phone"].encode() for row in rows], partitions)
        for (account_id, scope, phone), partition in zip(rows, placed, strict=True):
            counts[partition] += 1
            digests[partition] += key_digest(account_id, scope, int(phone[1:]))
    return counts, [_signed(digest % _TWO_TO_64) for digest in digests]


def _signed(digest: int) -> int:
    return digest - _TWO_TO_64 if digest >= _TWO_TO_63 else digest
