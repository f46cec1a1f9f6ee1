"""Messages that may be sent: as many as the limits allow are dispatched, the others wait for their turn.

Nothing that was decided is held for its turn: it would grow old. What waits is decided again when its turn has come.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from services.sender.dispatch import Dispatcher, VerifySource
from services.sender.drop import Dropper
from services.sender.ledger.model import MessageKey, key_of, rejected_detail
from services.sender.ledger.rows import NewRow
from services.sender.limits.frequency import FREQUENCY
from services.sender.limits.limiter import Limiter
from services.sender.timing import PAUSE, Wait, departure
from services.sender.waiting.room import WaitingMessage, WaitingRoom
from shared.events.outbound import MessageRequested
from shared.suppressions.account_settings import SettingsByAccount
from shared.suppressions.fence_pass import FencePass


class Permission(NamedTuple):
    """A permission to send: the accounts' settings, the fence, what verifies the topics of the cache, and the time."""

    accounts: SettingsByAccount
    fence_pass: FencePass
    verify_source: VerifySource
    now: datetime


@dataclass(frozen=True, slots=True)
class LimitedSending:
    """The last step before the carrier: sends what was decided to be sent, or has it wait for its turn."""

    limiter: Limiter
    dispatcher: Dispatcher
    dropper: Dropper
    room: WaitingRoom

    def of_woken(self) -> "LimitedSending":
        """Return the same for messages that have waited: they take their turn before new ones."""
        return replace(self, limiter=self.limiter.of_woken())

    async def send(
        self, to_send: Sequence[MessageRequested], asked: Sequence[MessageRequested], permission: Permission
    ) -> list[MessageRequested]:
        """Send what may leave now; return what has to be decided again, or is not ours.

        Args:
            to_send: the messages, with the texts that leave.
            asked: all messages that were decided, as they were requested: so do they wait.
            permission: what they are sent by.

        Raises:
            TransientError: Kafka, Postgres or the carrier is unavailable, or this process stops.
        """
        pausing = self.dispatcher.calls.pausing(to_send)
        rest = [request for request in to_send if key_of(request) not in pausing] if pausing else to_send
        if rest and not pausing:  # before anything is counted for what will not be called
            self.dispatcher.calls.expect_callable(rest)
        waits = {key: Wait(permission.now + timedelta(seconds=seconds), PAUSE) for key, seconds in pausing.items()}
        allotment = await self.limiter.reserve(rest, permission.accounts)
        maybe_taken: set[MessageKey] = set()
        try:  # from here on something is counted
            waits |= {key_of(each): Wait(turn.until, turn.reason) for each, turn in allotment.held if turn.until}
            rejected: list[NewRow] = [(request, rejected_detail(FREQUENCY, why)) for request, why in allotment.refused]
            undone = await self._keep_back(waits, rejected, asked, permission)
            if allotment.allowed:
                undone += await self.dispatcher.dispatch(
                    allotment.allowed, permission.fence_pass, permission.verify_source, maybe_taken
                )
            return undone
        finally:
            await self.limiter.release(allotment.reservation, maybe_taken)

    async def _keep_back(
        self,
        waits: dict[MessageKey, Wait],
        rejected: list[NewRow],
        asked: Sequence[MessageRequested],
        permission: Permission,
    ) -> list[MessageRequested]:
        """Have messages wait, unless they are not valid for that long, and reject the others."""
        waiting: list[WaitingMessage] = []
        for request in asked if waits else ():
            wait = waits.get(key_of(request))
            if wait is None:
                continue
            # Turns are by the database's clock: one that is over by ours is a wait all the same.
            timing = departure(request, [wait], permission.now) or wait
            if isinstance(timing, Wait):
                waiting.append((request, timing))
            else:
                rejected.append((request, rejected_detail(*timing)))
        undone: list[MessageRequested] = []
        if rejected:
            undone += await self.dropper.drop("rejected", rejected, permission.fence_pass.started_at)
        if waiting:
            undone += await self.room.put(waiting, permission.fence_pass.started_at)
        return undone
