"""The states that a merge of spellings has changed, until the worker of their partition has published them."""

from services.optout.decision_log.position import Position, add_suppressed, read_position
from shared.events.suppression import SuppressionChanged
from shared.partitions import partition_of
from shared.postgres import Connection
from shared.suppression_digest import key_digest

_WAITING = "SELECT account_id, phone, scope, counted FROM suppressions_to_publish ORDER BY account_id, phone, scope"

_COUNTED = """
UPDATE suppressions_to_publish p SET counted = 0
FROM unnest($1::text[], $2::text[], $3::text[]) AS key (account_id, phone, scope)
WHERE p.account_id = key.account_id AND p.phone = key.phone AND p.scope = key.scope
"""

_STATES = """
SELECT s.account_id, s.scope, s.phone, s.state, s.cause_event_id, s.changed_at
FROM unnest($1::text[], $2::text[], $3::text[]) AS key (account_id, phone, scope)
JOIN suppressions s USING (account_id, phone, scope) ORDER BY s.account_id, s.phone, s.scope
"""

_PUBLISHED = """
DELETE FROM suppressions_to_publish p USING unnest($1::text[], $2::text[], $3::text[]) AS key (account_id, phone, scope)
WHERE p.account_id = key.account_id AND p.phone = key.phone AND p.scope = key.scope
"""

SuppressionKey = tuple[str, str, str]
"""Account, phone, scope."""


async def count_merged(
    connection: Connection, partition: int, partitions: int
) -> tuple[list[SuppressionKey], Position]:
    """Count the keys of this partition that wait as its caches must hold them; return them and the position then."""
    async with connection.transaction():
        position = await read_position(connection, partition)  # locks the row: one process counts
        waiting = [
            row for row in await connection.fetch(_WAITING) if partition_of(row["phone"], partitions) == partition
        ]
        keys = [(row["account_id"], row["phone"], row["scope"]) for row in waiting]
        if any(row["counted"] for row in waiting):
            count = sum(row["counted"] for row in waiting)
            digest = sum(row["counted"] * _digest(key) for row, key in zip(waiting, keys, strict=True))
            position = await add_suppressed(connection, partition, position, count, digest)
            await connection.execute(_COUNTED, *_columns(keys))
    return keys, position


async def load_merged(connection: Connection, keys: list[SuppressionKey]) -> list[SuppressionChanged]:
    """Return the keys' states as they are now."""
    names = ("account_id", "scope", "phone", "state", "cause_event_id", "changed_at")
    rows = await connection.fetch(_STATES, *_columns(keys))
    return [SuppressionChanged.model_validate(dict(zip(names, row, strict=True))) for row in rows]


async def note_published(connection: Connection, keys: list[SuppressionKey]) -> None:
    """Note that the topic has them."""
    await connection.execute(_PUBLISHED, *_columns(keys))


def _digest(key: SuppressionKey) -> int:
    account_id, phone, scope = key
    return key_digest(account_id, scope, int(phone[1:]))


def _columns(keys: list[SuppressionKey]) -> list[list[str]]:
    return [[key[column] for key in keys] for column in range(3)]
