"""Ends calls whose process died between the call and the answer: their outcome is unknown, and nobody calls again."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

from services.sender import metrics
from services.sender.ledger.connection import AWAY, Pool
from services.sender.ledger.rows import Settled, lock_lost_calls, settle
from services.sender.report import Reporter, outcome
from shared.errors import TransientError

log = logging.getLogger(__name__)

_AT_MOST = 1_000
_EVERY_SECONDS = 2.0


async def sweep_for_ever(pool: Pool, reporter: Reporter, older_than: timedelta) -> None:
    """Sweep now and then, until cancelled."""
    while True:
        try:
            while await sweep(pool, reporter, older_than) == _AT_MOST:
                continue
        except (TransientError, *AWAY) as error:
            log.warning("lost calls are swept later: %s", error)
        await asyncio.sleep(_EVERY_SECONDS)


async def sweep(pool: Pool, reporter: Reporter, older_than: timedelta) -> int:
    """Tell that the outcome of calls older than `older_than` is unknown, then note it; return how many there were."""
    async with pool.acquire() as connection, connection.transaction():
        lost = await lock_lost_calls(connection, older_than, _AT_MOST)
        if lost:
            await reporter.publish([outcome(replace(row, state="unknown")) for row in lost])
            await settle(
                connection, [Settled(row.key, "unknown", "the sender stopped during the call") for row in lost]
            )
            metrics.SWEPT_TO_UNKNOWN.inc(len(lost))
    return len(lost)
