"""The trail of one recipient through a partition's chain: each entry names the one before it about the same recipient.

So whoever sees only a recipient's entries knows that none is missing between them, nor before the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.optout.decision_log.load import RecipientKey
from services.optout.decision_log.write import DecidedEntry
from shared.postgres import Connection

_LAST = """
SELECT recipient.account_id, recipient.phone, last.sequence
FROM unnest($2::text[], $3::text[]) AS recipient (account_id, phone)
CROSS JOIN LATERAL (
    SELECT d.sequence FROM decisions d
    WHERE d.account_id = recipient.account_id AND d.phone = recipient.phone AND d.partition = $1
    ORDER BY d.sequence DESC LIMIT 1
) last
"""


async def load_last(
    connection: Connection, partition: int, recipients: Sequence[RecipientKey]
) -> dict[RecipientKey, int]:
    """Return the sequence number of each recipient's last entry in the partition, where there is one."""
    columns = [[recipient[column] for recipient in recipients] for column in range(2)]
    rows = await connection.fetch(_LAST, partition, *columns)
    return {(account_id, phone): sequence for account_id, phone, sequence in rows}


def with_trail(decided: Sequence[DecidedEntry], last: Mapping[RecipientKey, int], sequence: int) -> list[DecidedEntry]:
    """Return the entries, which come after entry `sequence`, each with the one before it about the same recipient."""
    latest = dict(last)
    trailed: list[DecidedEntry] = []
    for number, (entry, body) in enumerate(decided, sequence + 1):
        recipient = entry.account_id, entry.phone
        trailed.append((replace(entry, previous_sequence=latest.get(recipient, 0)), body))
        latest[recipient] = number
    return trailed
