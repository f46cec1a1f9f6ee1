"""Which topics a partition's positions belong to: one that was recreated, or is of another cluster, is another."""

from dataclasses import dataclass

from shared.postgres import Connection

REPAIR = "repair"
"""In place of the identity of `suppressions`: what it holds is to be compared with the decision log, and corrected."""

_READ = "SELECT inbound_topic, delivery_topic, suppressions_topic FROM partition_positions WHERE partition = $1"

_SAVE = """
UPDATE partition_positions SET inbound_topic = $2, delivery_topic = $3, suppressions_topic = $4 WHERE partition = $1
"""

_ASK_FOR_REPAIR = f"UPDATE partition_positions SET suppressions_topic = '{REPAIR}'"  # noqa: S608 (a constant)

_TO_REPAIR = f"""
SELECT EXISTS (SELECT 1 FROM partition_positions WHERE suppressions_topic = '{REPAIR}' AND partition = ANY($1::int[]))
"""  # noqa: S608 (a constant)

# The log keeps its decisions, and their order: those of the new topic come after them.
_ADOPT_INBOUND = f"""
UPDATE partition_positions p SET
    inbound_topic = NULL, next_offset = 0, read_from = 0, suppressions_topic = '{REPAIR}', inbound_base = coalesce(
        (SELECT max(inbound_offset) + 1 FROM decisions d WHERE d.partition = p.partition), inbound_base)
"""  # noqa: S608 (a constant)

_ADOPT_DELIVERY = "UPDATE partition_positions SET delivery_topic = NULL, delivery_next_offset = 0"


@dataclass(frozen=True, slots=True)
class Topics:
    """The identities of the topics of a partition; None where one is not known yet."""

    inbound: str | None
    delivery: str | None
    suppressions: str | None


async def read_topics(connection: Connection, partition: int) -> Topics:
    """Return what the partition's positions belong to."""
    row = await connection.fetchrow(_READ, partition)
    return Topics(*row) if row is not None else Topics(None, None, None)


async def save_topics(connection: Connection, partition: int, topics: Topics) -> None:
    await connection.execute(_SAVE, partition, topics.inbound, topics.delivery, topics.suppressions)


async def ask_for_repair(connection: Connection) -> None:
    """Have the running service compare what `suppressions` holds with the decision log, and correct it."""
    await connection.execute(_ASK_FOR_REPAIR)


async def is_repair_asked_for(connection: Connection, partitions: list[int]) -> bool:
    found: bool = await connection.fetchval(_TO_REPAIR, partitions)
    return found


async def adopt_inbound(connection: Connection) -> None:
    """Begin at the first offset of the `inbound-messages` that is there now; no process may be running."""
    await connection.execute(_ADOPT_INBOUND)


async def adopt_delivery(connection: Connection) -> None:
    """Begin at the first offset of the `delivery-events` that is there now; no process may be running."""
    await connection.execute(_ADOPT_DELIVERY)
