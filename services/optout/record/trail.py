"""The trail of one person through a partition's chain: each entry names the one before it about the same person.

So whoever sees only a person's entries knows that none is missing between them, nor before the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.optout.record.load import PersonKey
from services.optout.record.write import DecidedEntry
from shared.postgres import Connection

_LAST = """
SELECT person.account_id, person.phone, last.sequence
FROM unnest($2::text[], $3::text[]) AS person (account_id, phone)
CROSS JOIN LATERAL (
    SELECT d.sequence FROM decisions d
    WHERE d.account_id = person.account_id AND d.phone = person.phone AND d.partition = $1
    ORDER BY d.sequence DESC LIMIT 1
) last
"""


async def load_last(connection: Connection, partition: int, persons: Sequence[PersonKey]) -> dict[PersonKey, int]:
    """Return the sequence number of each person's last entry in the partition, where there is one."""
    columns = [[person[column] for person in persons] for column in range(2)]
    rows = await connection.fetch(_LAST, partition, *columns)
    return {(account_id, phone): sequence for account_id, phone, sequence in rows}


def with_trail(decided: Sequence[DecidedEntry], last: Mapping[PersonKey, int], sequence: int) -> list[DecidedEntry]:
    """Return the entries, which come after entry `sequence`, each with the one before it about the same person."""
    latest = dict(last)
    trailed: list[DecidedEntry] = []
    for number, (entry, body) in enumerate(decided, sequence + 1):
        person = entry.account_id, entry.phone
        trailed.append((replace(entry, previous_sequence=latest.get(person, 0)), body))
        latest[person] = number
    return trailed
