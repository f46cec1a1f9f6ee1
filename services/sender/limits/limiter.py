"""Lets as many messages leave as the limits allow, counted before they are called: all senders together keep them.

A sender that dies after it has counted leaves messages counted that were never called: at most those of its batch. So a
limit errs to too few, and is never passed. For its recipient such a message does not count twice when it comes again.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from services.sender import metrics
from services.sender.ledger.model import MessageKey
from services.sender.limits.allot import Allotment, Limited, Reservation, allot
from services.sender.limits.frequency import is_counted, list_counted
from services.sender.limits.number_limits import LimitBook, LimitName
from services.sender.limits.rows import (
    CountedRecipient,
    give_back,
    lock_limits,
    lock_recipients,
    save_limits,
    save_recipients,
    take_out,
)
from services.sender.links import LinkWriter
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.failpoints import failpoint
from shared.postgres import Connection, Pool, connection_from
from shared.segments import segments_of
from shared.suppressions.account_settings import AccountSettings, SettingsByAccount

log = logging.getLogger(__name__)

RESERVED_AT_ONCE = 500
"""Of messages that are counted in one transaction: nothing else runs for 10 ms of it, 80 ms with the largest caps."""


@dataclass(frozen=True, slots=True)
class Limiter:
    """A limiter; `woken`: of messages that have waited, which take their turn before new ones.

    Attributes:
        pool: of the sender's database.
        book: the limits of numbers.
        carrier_of: returns the name of an account's carrier.
        links: what a text becomes longer by, where segments count.
        woken: whether the messages have waited.
    """

    pool: Pool
    book: LimitBook
    carrier_of: Callable[[str], str]
    links: LinkWriter
    woken: bool = False
    _owed: list[Reservation] = field(default_factory=list)

    def of_woken(self) -> "Limiter":
        """Return the limiter of messages that have waited."""
        return replace(self, woken=True)

    async def reserve(self, requests: Sequence[MessageRequested], accounts: SettingsByAccount) -> Allotment:
        """Count the messages that may leave now, part by part; return what becomes of each.

        Raises:
            TransientError: Postgres is unavailable; what was counted is given back, now or later.
        """
        if not self.book and not any(map(_has_cap, accounts.values())):
            return Allotment({}, {}, allowed=list(requests))
        await self._settle_debts()  # of a try before this one, which may have had the same messages
        whole = Allotment({}, {})
        try:
            for begin in range(0, len(requests), RESERVED_AT_ONCE):
                whole.add(await self._reserve_part(requests[begin : begin + RESERVED_AT_ONCE], accounts))
        except BaseException:
            await self.release(whole.reservation, frozenset())
            raise
        failpoint("sender.after_reserved")
        return whole

    async def _reserve_part(self, requests: Sequence[MessageRequested], accounts: SettingsByAccount) -> Allotment:
        messages = [self._limited(request, accounts) for request in requests]
        names = {each.limit[0] for each in messages if each.limit is not None}
        recipients = {each.recipient[0] for each in messages if each.recipient is not None}
        if not names and not recipients:
            return Allotment({}, {}, allowed=list(requests))
        async with connection_from(self.pool) as connection, connection.transaction():
            uses = await lock_limits(connection, names) if names else {}
            found = await lock_recipients(connection, recipients) if recipients else {}
            now = await connection.fetchval("SELECT clock_timestamp()")
            allotment = allot(messages, uses, found, now, woken=self.woken)
            if names:
                await save_limits(connection, allotment.uses)
            if allotment.changed:
                await save_recipients(connection, allotment.changed)
        return allotment

    async def release(self, reservation: Reservation, maybe_taken: AbstractSet[MessageKey]) -> None:
        """Give back what was counted for messages that the carrier has certainly not taken.

        What Postgres does not take now is given back later, unless this process ends: then too few are sent.
        """
        unused = Reservation(
            {key: value for key, value in reservation.of_numbers.items() if key not in maybe_taken},
            {key: value for key, value in reservation.of_recipients.items() if key not in maybe_taken},
        )
        if unused:
            self._owed.append(unused)
        try:
            await self._settle_debts()
        except TransientError as error:
            log.warning("messages that did not leave count for their limits until later: %s", error)

    async def _settle_debts(self) -> None:
        while self._owed:
            async with connection_from(self.pool) as connection, connection.transaction():
                await _give_back(connection, self._owed[-1])
                self._owed.pop()  # a commit whose answer is lost is not repeated: too few leave, never too many

    def _limited(self, request: MessageRequested, accounts: SettingsByAccount) -> Limited:
        found = self.book.of(request.account_id, request.sender_number, self.carrier_of(request.account_id))
        cost = 1
        if found is not None and found[1].counts == "segments":
            cost = segments_of(self.links.written(request, self.links.token_of(request)).body).number
        published = accounts[request.account_id].published
        cap = None if published is None else published.frequency_cap
        if cap is None or not is_counted(request, cap):
            return Limited(request, found, cost)
        key = CountedRecipient(request.account_id, request.phone, list_counted(request, cap))
        return Limited(request, found, cost, (key, cap))


def _has_cap(account: AccountSettings) -> bool:
    return account.published is not None and account.published.frequency_cap is not None


async def _give_back(connection: Connection, unused: Reservation) -> None:
    by_limit: dict[tuple[LimitName, date], int] = defaultdict(int)
    for name, day, cost in unused.of_numbers.values():
        by_limit[name, day] += cost
    by_recipient: dict[CountedRecipient, list[datetime]] = defaultdict(list)
    for key, at in unused.of_recipients.values():
        by_recipient[key].append(at)
    if by_limit:
        await give_back(connection, by_limit)
    if by_recipient:
        await take_out(connection, by_recipient)
    metrics.LIMITS_GIVEN_BACK.inc(len(unused.of_numbers.keys() | unused.of_recipients.keys()))
