"""The campaigns that this process works on: one step at a time, each campaign in its turn."""

import asyncio
import logging

from services.optout.campaigns.expand import step
from services.optout.sending.outbound import OutboundRequests
from shared.errors import TransientError
from shared.postgres import POSTGRES_UNAVAILABLE, Pool
from shared.wakeup import Wakeup

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_RETRY_SECONDS = 1.0
_AFTER_A_BUG_SECONDS = 30.0


class Campaigns:
    """The steps of campaigns; every process of the API makes some. One that dies leaves nothing to be tidied up."""

    def __init__(self, pool: Pool, outbound: OutboundRequests) -> None:
        self._pool = pool
        self._outbound = outbound
        self._changed = Wakeup()

    def wake(self) -> None:
        """Look for a campaign at once: one was added or resumed."""
        self._changed.wake()

    async def run(self) -> None:
        """Work until it is cancelled."""
        while True:
            try:
                if not await self.step():
                    await self._changed.wait(_POLL_SECONDS)
            except (TransientError, *POSTGRES_UNAVAILABLE) as error:
                log.warning("campaigns wait: %r", error)
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:  # what works beside the API must not end it
                log.exception("a step of a campaign failed")
                await asyncio.sleep(_AFTER_A_BUG_SECONDS)

    async def step(self) -> bool:
        """Take one campaign a step further; False where none has anything to do. Raises as `expand.step` does."""
        return await step(self._pool, self._outbound)
