"""The outcomes of parked records that operators gave them, in Postgres: the records themselves stay in Kafka."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from shared.postgres import Connection

SettledOutcome = Literal["replayed", "dropped"]

SETTLED = (
    "SELECT parked_id, outcome, settled_by, reason, settled_at FROM parked_settled WHERE parked_id = ANY($1::text[])"
)
# No row comes back where somebody was first. Until the transaction ends, others wait for its end.
SETTLE = """
INSERT INTO parked_settled (parked_id, outcome, settled_by, reason) VALUES ($1, $2, $3, $4)
ON CONFLICT (parked_id) DO NOTHING RETURNING settled_at
"""


class SettledParked(NamedTuple):
    """An outcome of a parked record: who gave it to it, when and why."""

    outcome: SettledOutcome
    by: str
    reason: str
    at: datetime


async def settled_of(connection: Connection, parked_ids: Sequence[str]) -> dict[str, SettledParked]:
    """Return what became of those of the records that somebody did something about."""
    rows: list[Any] = await connection.fetch(SETTLED, parked_ids)
    return {row["parked_id"]: SettledParked(*tuple(row)[1:]) for row in rows}


async def settle(connection: Connection, parked_id: str, outcome: SettledOutcome, by: str, reason: str) -> bool:
    """Note what was done about a record; False: somebody did something before."""
    return await connection.fetchval(SETTLE, parked_id, outcome, by, reason) is not None
