"""Verifies the record where it is: each partition's chain, against its position and against anchors."""

from collections.abc import AsyncIterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.evidence.verify_evidence import Chain
from services.optout.decision_log.export import export_partition
from shared.postgres import Connection

_PARTITIONS = "SELECT partition FROM partition_positions UNION SELECT partition FROM decisions ORDER BY partition"
_HEAD = "SELECT sequence, head_hash FROM partition_positions WHERE partition = $1"
_EMPTY_HEAD = (0, b"")


@dataclass(frozen=True)
class ChainCheck:
    """The result of verifying a partition: how many entries it has, and a line for each difference."""

    entries: int
    differences: list[str]


async def partitions_with_entries(connection: Connection) -> list[int]:
    return [row["partition"] for row in await connection.fetch(_PARTITIONS)]


async def check_chain(
    connection: Connection, partition: int, anchors: AsyncIterable[dict[str, Any]] | None = None
) -> ChainCheck:
    """Verify every entry of a partition, as of now; without anchors, by what the database says of itself.

    Anchors are read first, so that the record has what they name.
    """
    chain = Chain(partition)
    found: list[str] = []
    if anchors is not None:
        async for anchor in anchors:
            found += chain.anchor(anchor)
    async with connection.transaction(readonly=True, isolation="repeatable_read"):
        async for line in export_partition(connection, partition):
            found += chain.add(line)
        length, head_hash = await connection.fetchrow(_HEAD, partition) or _EMPTY_HEAD
    return ChainCheck(chain.count, [*found, *_differing_end(chain, length, head_hash), *chain.end()])


def _differing_end(chain: Chain, length: int, head_hash: bytes) -> Iterator[str]:
    where = f"partition {chain.partition}, entry"
    if length > chain.sequence:
        yield f"{where} {chain.sequence + 1}: it is missing: partition_positions counts {length} entries"
    elif (length, head_hash) != (chain.sequence, chain.hash):
        end = f"{length} entries, hash {head_hash.hex()}"
        yield f"{where} {chain.sequence}: partition_positions has another end of the chain: {end}"
