"""Ends lost calls: the outcome is unknown, and nobody calls again.

A call is lost if its process has lost its lock in Postgres: the process has died, or its connection has. So is a call
that is older than any may be: its process may live, and has slept.
"""

import asyncio
import logging
from datetime import timedelta

from services.sender import metrics
from services.sender.ledger.model import RowUpdate
from services.sender.ledger.rows import lock_lost_calls, settle_locked
from services.sender.report import Reporter
from shared.errors import TransientError
from shared.postgres import Pool, connection_from

log = logging.getLogger(__name__)

OWNERLESS_AFTER = timedelta(seconds=2)
"""A call is made within a second of its claim or not at all: an ownerless claim of this age has lost its result."""
_LIMIT_ROWS = 1_000
_EVERY_SECONDS = 1.0
_DETAIL = "the sender stopped between the claim and the answer"


async def sweep_forever(pool: Pool, reporter: Reporter, own: int, older_than: timedelta) -> None:
    """Sweep now and then, until cancelled."""
    while True:
        try:
            while await sweep(pool, reporter, own, older_than) == _LIMIT_ROWS:
                continue
        except TransientError as error:
            log.warning("lost calls are swept later: %s", error)
        await asyncio.sleep(_EVERY_SECONDS)


async def sweep(
    pool: Pool, reporter: Reporter, own: int, older_than: timedelta, ownerless_after: timedelta = OWNERLESS_AFTER
) -> int:
    """Publish that lost calls of other owners have an unknown outcome, then write it; return how many there were."""
    async with connection_from(pool) as connection, connection.transaction():
        lost = await lock_lost_calls(connection, own, older_than, ownerless_after, _LIMIT_ROWS)
        if lost:
            await reporter.publish(row._replace(state="unknown") for row in lost)
            await settle_locked(connection, [RowUpdate(row.key, "unknown", _DETAIL) for row in lost])
            metrics.SWEPT_TO_UNKNOWN.inc(len(lost))
    return len(lost)
