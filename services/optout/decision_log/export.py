"""Exports of the hash chain, a line of JSON for each entry: what `verify_evidence.py` compares with anchors.

A selection has the entries of one account or recipient, and after each the digests of others' entries that lead to the
end of its batch, where there is an anchor: enough to prove that it was there, without a word of theirs.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from shared.postgres import Connection

_MOST_IN_A_BATCH = 10_000

_WHOLE = """
SELECT partition, sequence, hash, entry, body, event_id, account_id, phone, entry_sha256,
    coalesce(lag(hash) OVER (ORDER BY sequence), '') AS previous_hash
FROM decisions WHERE partition = $1 ORDER BY sequence
"""

_SELECTION = """
SELECT d.partition, d.sequence, d.hash, d.entry, d.body, d.event_id, d.account_id, d.phone, d.entry_sha256,
    coalesce(before.hash, '') AS previous_hash, others.sequences, others.hashes, others.digests
FROM (
    SELECT *, lead(sequence) OVER (PARTITION BY partition ORDER BY sequence) AS next FROM decisions
    WHERE account_id = $1 AND ($2::text[] IS NULL OR phone = ANY($2))
) d
LEFT JOIN decisions before ON before.partition = d.partition AND before.sequence = d.sequence - 1
CROSS JOIN LATERAL (
    SELECT array_agg(o.sequence ORDER BY o.sequence) AS sequences, array_agg(o.hash ORDER BY o.sequence) AS hashes,
        array_agg(coalesce(o.entry_sha256, sha256(convert_to(o.entry, 'UTF8'))) ORDER BY o.sequence) AS digests
    FROM decisions o
    WHERE o.partition = d.partition AND o.decided_at = d.decided_at AND o.sequence > d.sequence
        AND o.sequence < coalesce(d.next, d.sequence + $3) AND o.sequence < d.sequence + $3
) others
ORDER BY d.partition, d.sequence
"""
_ROWS_AT_ONCE = 1_000


async def export_partition(connection: Connection, partition: int) -> AsyncIterator[dict[str, Any]]:
    """Yield all entries of a partition, with a bounded number of rows in memory; called within a transaction."""
    async for row in connection.cursor(_WHOLE, partition, prefetch=_ROWS_AT_ONCE):
        yield _line(row)


async def export_selection(
    connection: Connection, account_id: str, phones: Sequence[str] | None
) -> AsyncIterator[dict[str, Any]]:
    """Yield the entries of an account, or of it about one recipient under these spellings, with the digests of others.

    Called within a transaction.
    """
    async for row in connection.cursor(_SELECTION, account_id, phones, _MOST_IN_A_BATCH, prefetch=_ROWS_AT_ONCE):
        yield _line(row)
        others = zip(row["sequences"] or (), row["hashes"] or (), row["digests"] or (), strict=True)
        for sequence, hashed, digest in others:
            yield {"partition": row["partition"], "sequence": sequence, "hash": hashed.hex(), "digest": digest.hex()}


def _line(row: Any) -> dict[str, Any]:
    """Return a line; of an erased entry it has the digest from which the chain follows, not what is left of it."""
    erased = row["entry_sha256"]
    said = {"entry": row["entry"], "body": row["body"]} if erased is None else {"erased": True, "digest": erased.hex()}
    return {
        "partition": row["partition"],
        "sequence": row["sequence"],
        "previous_hash": row["previous_hash"].hex(),
        "hash": row["hash"].hex(),
        "event_id": str(row["event_id"]),
        "account_id": row["account_id"],
        "phone": row["phone"],
        **said,
    }
