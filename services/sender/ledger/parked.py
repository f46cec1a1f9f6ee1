"""Which records were parked, so that a record that is delivered again is not parked again."""

from collections.abc import Sequence

from services.sender.ledger.connection import Connection

Place = tuple[str, int, int]
"""Topic, partition, offset."""

_PARKED = """
SELECT topic, partition, record_offset FROM parked
JOIN unnest($1::text[], $2::int[], $3::bigint[]) AS place (topic, partition, record_offset)
    USING (topic, partition, record_offset)
"""

_NOTE = """
INSERT INTO parked (topic, partition, record_offset) SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
ON CONFLICT DO NOTHING
"""


async def not_parked_yet(connection: Connection, places: Sequence[Place]) -> set[Place]:
    """Return those of `places` that are not noted as parked."""
    rows = await connection.fetch(_PARKED, *_columns(places))
    return set(places) - {(row[0], row[1], row[2]) for row in rows}


async def note_parked(connection: Connection, places: Sequence[Place]) -> None:
    """Note that Kafka has acknowledged the parked records of `places`."""
    if places:
        await connection.execute(_NOTE, *_columns(places))


def _columns(places: Sequence[Place]) -> list[list[object]]:
    return [[place[column] for place in places] for column in range(3)]
