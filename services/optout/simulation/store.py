"""Simulations in Postgres, so that every instance can show and cancel them; and the history that they read."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from shared.postgres import Connection

SILENT_SECONDS = 30
"""A running simulation that has not reported its progress for this long died with its process."""
KEPT = 20

SimulationState = Literal["running", "done", "timed_out", "failed"]

# Ends what died; keeps the account's newest; adds one, unless one runs: then no row comes back.
_BURY = """
UPDATE simulations SET state = 'failed'
WHERE account_id = $1 AND state = 'running' AND changed_at < now() - make_interval(secs => $2)
"""
_FORGET = """
DELETE FROM simulations WHERE state <> 'running' AND simulation_id IN (
    SELECT simulation_id FROM simulations WHERE account_id = $1 ORDER BY started_at DESC OFFSET $2)
"""
_ADD = """
INSERT INTO simulations (simulation_id, account_id, state) VALUES ($1, $2, 'running')
ON CONFLICT (account_id) WHERE state = 'running' DO NOTHING
RETURNING simulation_id
"""

# Saves how far it is; no row comes back where it was cancelled.
_SAVE = """
UPDATE simulations SET state = $2, examined = $3, total = $4, matched = $5, new = $6, lost = $7, first_new = $8::jsonb,
    first_lost = $9::jsonb, changed_at = now()
WHERE simulation_id = $1 AND state = 'running'
RETURNING simulation_id
"""

_CANCEL = """
UPDATE simulations SET state = 'cancelled', changed_at = now()
WHERE account_id = $1 AND simulation_id = $2 AND state = 'running'
"""

_READ = """
SELECT *, state = 'running' AND changed_at < now() - make_interval(secs => $3) AS is_dead
FROM simulations WHERE account_id = $1 AND simulation_id = $2
"""

# What people wrote to the account before a given time and id, newest first; a reviewer's decision is not a message.
HISTORY = r"""
WITH page AS MATERIALIZED (
    SELECT event_id, decided_at, phone, body, replace(entry, '\u0000', '\ufffd')::json AS entry FROM decisions
    WHERE account_id = $1 AND (decided_at, event_id) < ($2, $3)
    ORDER BY decided_at DESC, event_id DESC LIMIT $4
)
SELECT page.event_id, page.decided_at, page.phone, page.body, page.entry ->> 'sender_number' AS sender_number,
    page.entry ->> 'answer' AS answer, page.entry ->> 'gateway' = 'review' AS is_review, m.instruction
FROM page LEFT JOIN sent_messages m ON m.account_id = $1 AND m.message_id = page.entry ->> 'message_id'
ORDER BY page.decided_at DESC, page.event_id DESC
"""

_COUNT = "SELECT count(*) FROM decisions WHERE account_id = $1 AND decided_at < $2"


@dataclass
class Progress:
    """The progress of a simulation; `first` are the newest of the `new` matches, `first_lost` of the `lost` ones."""

    total: int = 0
    examined: int = 0
    matched: int = 0
    new: int = 0
    lost: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)
    first_lost: list[dict[str, Any]] = field(default_factory=list)


async def add(connection: Connection, account_id: str, simulation_id: UUID) -> bool:
    """Begin a simulation; False where the account has one that runs."""
    async with connection.transaction():
        await connection.execute(_BURY, account_id, SILENT_SECONDS)
        await connection.execute(_FORGET, account_id, KEPT)
        return await connection.fetchrow(_ADD, simulation_id, account_id) is not None


async def save(connection: Connection, simulation_id: UUID, state: SimulationState, progress: Progress) -> bool:
    """Save the progress; False where the simulation was cancelled."""
    counts = progress.examined, progress.total, progress.matched, progress.new, progress.lost
    shown = json.dumps(progress.first), json.dumps(progress.first_lost)
    return await connection.fetchrow(_SAVE, simulation_id, state, *counts, *shown) is not None


async def cancel(connection: Connection, account_id: str, simulation_id: UUID) -> None:
    await connection.execute(_CANCEL, account_id, simulation_id)


async def read(connection: Connection, account_id: str, simulation_id: UUID) -> dict[str, Any] | None:
    row = await connection.fetchrow(_READ, account_id, simulation_id, SILENT_SECONDS)
    return None if row is None else dict(row)


async def count_history(connection: Connection, account_id: str, before: datetime) -> int:
    counted: int = await connection.fetchval(_COUNT, account_id, before)
    return counted
