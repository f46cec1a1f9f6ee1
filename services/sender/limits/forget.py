"""Forgets what counts for recipients once no window reaches it, in steps that let other work come between."""

import asyncio
import logging

from services.sender.limits.rows import forget_some
from shared.errors import TransientError
from shared.postgres import Pool, connection_from

log = logging.getLogger(__name__)

_LIMIT_ROWS = 5_000
_EVERY_SECONDS = 60.0
_BETWEEN_STEPS_SECONDS = 0.1


async def forget_forever(pool: Pool) -> None:
    """Forget what is too old now and then, until cancelled."""
    while True:
        found = 0
        try:
            async with connection_from(pool) as connection:
                found = await forget_some(connection, _LIMIT_ROWS)
        except TransientError as error:
            log.warning("what counts for recipients is forgotten later: %s", error)
        await asyncio.sleep(_BETWEEN_STEPS_SECONDS if found == _LIMIT_ROWS else _EVERY_SECONDS)
