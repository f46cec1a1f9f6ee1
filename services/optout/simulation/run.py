"""The simulations of this process: few at once, each in chunks, and never more than half of a core."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from services.optout.rules import VersionedRule
from services.optout.simulation import store
from services.optout.simulation.compare import Comparison, Effect, ReceivedText, RuleChange
from services.optout.simulation.store import HISTORY, Progress
from shared.errors import TransientError
from shared.events.base import format_time
from shared.postgres import Pool, connection_from

log = logging.getLogger(__name__)

MAX_RUNNING = 4
LIMIT_SECONDS = 300.0
FIRST = 100
MAX_SHOWN_CHARACTERS = 500
_CHUNK = 100
_TEXT_SECONDS = 0.005
"""Of processor time for the patterns of one text; past that it counts as the pipeline would count it, as held."""
_SAVE_SECONDS = 0.5
_LAST_ID = UUID(int=2**128 - 1)


class TooManyRunningError(TransientError):
    """This process runs as many simulations as it may."""


class Simulations:
    """The simulations of a process. `start` returns at once; `close` ends running ones, which then count as failed."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, account_id: str, draft: VersionedRule, present: Sequence[VersionedRule]) -> UUID | None:
        """Begin; return the simulation's id, None where the account has one that runs.

        Raises:
            TooManyRunningError: try again later.
        """
        if len(self._running) >= MAX_RUNNING:
            raise TooManyRunningError
        simulation_id = uuid4()
        async with connection_from(self._pool) as connection:
            if not await store.add(connection, account_id, simulation_id):
                return None
        task = asyncio.create_task(self._run(simulation_id, account_id, draft, present), name="simulation")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return simulation_id

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _run(
        self, simulation_id: UUID, account_id: str, draft: VersionedRule, present: Sequence[VersionedRule]
    ) -> None:
        progress = Progress()
        end: store.SimulationState = "done"
        limit = asyncio.timeout(LIMIT_SECONDS)
        try:
            comparison = await asyncio.to_thread(Comparison, draft, present)
            async with limit:
                if not await self._examine_all(simulation_id, account_id, comparison, progress):
                    return
        except Exception as error:  # noqa: BLE001 (the caller sees it, and the API goes on)
            end = "timed_out" if limit.expired() else "failed"
            log.warning("simulation %s %s: %r", simulation_id, end, error)
        try:
            await self._save(simulation_id, end, progress)
        except (TransientError, asyncpg.PostgresError) as error:
            log.warning("simulation %s: its end could not be saved: %r", simulation_id, error)

    async def _examine_all(
        self, simulation_id: UUID, account_id: str, comparison: Comparison, progress: Progress
    ) -> bool:
        """Go through the history, newest first; False where it was cancelled."""
        place = datetime.now(UTC), _LAST_ID
        async with connection_from(self._pool) as connection:
            progress.total = await store.count_history(connection, account_id, place[0])
        save_at = 0.0
        while True:
            async with connection_from(self._pool) as connection:
                rows = await connection.fetch(HISTORY, account_id, *place, _CHUNK)
            if not rows:
                return True
            began = time.monotonic()
            await asyncio.to_thread(_examine, rows, comparison, progress)
            place = rows[-1]["decided_at"], rows[-1]["event_id"]
            if time.monotonic() >= save_at:
                save_at = time.monotonic() + _SAVE_SECONDS
                if not await self._save(simulation_id, "running", progress):
                    return False
            await asyncio.sleep(time.monotonic() - began)  # the API answers in this process too

    async def _save(self, simulation_id: UUID, state: store.SimulationState, progress: Progress) -> bool:
        async with connection_from(self._pool) as connection:
            return await store.save(connection, simulation_id, state, progress)


def _is_past(ends_at: float) -> bool:
    return time.thread_time() > ends_at


def _examine(rows: Sequence[asyncpg.Record], comparison: Comparison, progress: Progress) -> None:
    progress.examined += len(rows)
    for row in rows:
        if row["is_review"]:
            continue
        text = ReceivedText(row["body"], row["sender_number"], row["instruction"])
        change = comparison.change(text, partial(_is_past, time.thread_time() + _TEXT_SECONDS))
        progress.matched += change.effect in (Effect.OLD, Effect.NEW)
        progress.new += change.effect is Effect.NEW
        progress.lost += change.effect is Effect.LOST
        shown = {Effect.NEW: progress.first, Effect.LOST: progress.first_lost}.get(change.effect)
        if shown is not None and len(shown) < FIRST:
            shown.append(_shown(row, change))


def _shown(row: asyncpg.Record, change: RuleChange) -> dict[str, Any]:
    return {
        "event_id": str(row["event_id"]),
        "phone": row["phone"],
        "body": row["body"][:MAX_SHOWN_CHARACTERS],
        "decided_at": format_time(row["decided_at"]),
        "answer": row["answer"],
        "before": change.before.kind,
        "after": change.after.kind,
    }
