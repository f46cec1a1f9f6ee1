"""A recipient's evidence is in the order of the decisions, however often partitions were added."""

import asyncpg

from harness.stack.embedded import EmbeddedBackend
from services.optout.api.evidence import EVIDENCE

# Three partitions became five, and then eight: the chain of a partition that is added later begins with 1.
MADE = """
CREATE TEMP TABLE decisions (
    account_id text, phone text, partition int, sequence bigint, body text, entry text, hash bytea, entry_sha256 bytea
);
CREATE TEMP TABLE chain_lengths (change int, partition int, sequence bigint);
INSERT INTO chain_lengths SELECT 1, n, CASE WHEN n < 3 THEN 900 ELSE 0 END FROM generate_series(0, 4) AS n;
INSERT INTO chain_lengths SELECT 2, n, CASE WHEN n < 5 THEN 950 ELSE 0 END FROM generate_series(0, 7) AS n;
INSERT INTO decisions (account_id, phone, partition, sequence)
VALUES ('acme', '+14155550100', 1, 900), ('acme', '+14155550100', 4, 20), ('acme', '+14155550100', 7, 1);
"""


async def test_entries_of_each_number_of_partitions_come_after_those_of_the_one_before(
    backend: EmbeddedBackend,
) -> None:
    connection = await asyncpg.connect(backend.optout_database_url)
    try:
        await connection.execute(MADE)
        found, after = [], (0, 0, -1)
        while rows := await connection.fetch(EVIDENCE, "acme", "+14155550100", *after, [], 1):
            found += [(row["partition"], row["sequence"]) for row in rows]
            after = (rows[-1]["era"], rows[-1]["sequence"], rows[-1]["partition"])
        assert found == [(1, 900), (4, 20), (7, 1)]
    finally:
        await connection.close()
