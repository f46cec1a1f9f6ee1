"""The state of reception, and for which accounts messages have to wait because of it; no I/O.

Somebody may have written STOP into the void while no instance of the inbound service could take webhooks: the gateway
does not always repeat them. So the messages of an account whose gateways are caught up with wait from the moment at
which the heartbeats stop until a round of catching up has ended that began after they came back. Accounts that nobody
catches up with do not wait: nothing would end it.
"""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from shared.events.reception import AnyReceptionEvent, CatchUpCompleted, ReceptionConfirmed

_LONG_AGO = datetime.fromtimestamp(0, UTC)
_MAX_INSTANCES = 1_000
"""Of the inbound service, those that ended too; the one that has been silent for the longest is forgotten."""

RECEPTION_GAP_SECONDS = 120.0
ReceptionGap = Annotated[float, Field(ge=2, le=3_600)]
"""The same for inbound and sender."""
_MAX_ROUNDS = 1_000
"""Of one account and gateway that do not count yet."""
Standing = Literal["caught_up", "waits", "given_up"]


class ReceptionLimits(NamedTuple):
    """The limits, in time.

    `gap`: a longer silence is downtime. `settle`: a round counts only if it began this long after the downtime, because
    a gateway may list a message late. `known`: it counts once it has been known for this long, which is longer than a
    decision takes: so what it appended was in Kafka before the decision began. `wait`: no longer than this is waited.
    """

    gap: timedelta
    settle: timedelta
    known: timedelta
    wait: timedelta


class AccountStanding(NamedTuple):
    """A statement whether the messages of an account have to wait, and why."""

    standing: Standing
    reason: str = ""


_CAUGHT_UP = AccountStanding("caught_up")


class ReceivedTimes(NamedTuple):
    """The times between which webhooks could be received; `since` None: before any downtime that is known."""

    since: datetime | None
    until: datetime


class _CatchUp:
    """The rounds of catching up with an account at one gateway: those that do not count yet, and the last that does."""

    def __init__(self, complete_to: datetime) -> None:
        self.newest = self._counts = complete_to  # the first: before it, nothing waited
        self._later: deque[tuple[datetime, datetime]] = deque()

    def note(self, complete_to: datetime, known_at: datetime, known: timedelta) -> None:
        self.newest = complete_to  # not the latest: a clock that was ahead once would leave out what came since
        self.complete_to(known_at, known)
        if len(self._later) < _MAX_ROUNDS:
            self._later.append((known_at, complete_to))

    def complete_to(self, now: datetime, known: timedelta) -> datetime:
        """Return how far the account is caught up with, by the rounds that have been known for long enough."""
        while self._later and now - self._later[0][0] >= known:
            self._counts = max(self._counts, self._later.popleft()[1])
        return self._counts


class ReceptionState:
    """The state that the records of the topic lead to.

    Attributes:
        limits: of its judgements.
        is_read: whether the topic was read to its end, as it was when that began.
        receives: since when and until when webhooks could be received; None: there was no heartbeat yet.
    """

    def __init__(self, limits: ReceptionLimits) -> None:
        self.is_read = False
        self.limits = limits
        self._heard: dict[str, ReceptionConfirmed] = {}
        self.receives: ReceivedTimes | None = None
        self._caught_up: dict[str, dict[str, _CatchUp]] = {}

    def apply(self, event: AnyReceptionEvent, now: datetime) -> None:
        """Note an event that was read `now`, or before this process decided anything: that has been known for long."""
        event = _by_clock(event, now)
        now = now if self.is_read else _LONG_AGO
        match event:
            case ReceptionConfirmed():
                self._heard.pop(event.instance_id, None)
                self._heard[event.instance_id] = event
                if len(self._heard) > _MAX_INSTANCES:
                    del self._heard[min(self._heard, key=lambda each: self._heard[each].confirmed_at)]
                self.receives = _received(self._heard.values(), self.limits.gap)
            case CatchUpCompleted():
                self._note(event, now)

    def forget(self, account_id: str, gateway: str) -> None:
        """Note that the account is caught up with at this gateway no more."""
        gateways = self._caught_up.get(account_id, {})
        gateways.pop(gateway, None)
        if not gateways:
            self._caught_up.pop(account_id, None)

    def complete_to(self, account_id: str, gateway: str) -> datetime | None:
        """Return how far the account is caught up with at the gateway; None: nobody has said so."""
        found = self._caught_up.get(account_id, {}).get(gateway)
        return None if found is None else found.newest

    def pairs(self) -> list[tuple[str, str]]:
        """Return all accounts with their gateways that are caught up with."""
        return [(account_id, gateway) for account_id, gateways in self._caught_up.items() for gateway in gateways]

    def standing_of(self, account_id: str, now: datetime) -> AccountStanding:
        """Return whether the account's messages have to wait."""
        gateways = self._caught_up.get(account_id)
        if gateways is None or self.receives is None:
            return _CAUGHT_UP
        since, last = self.receives
        limits = self.limits
        if now - last > limits.gap:
            return _standing(now - last - limits.gap, limits.wait, f"no webhooks can be received since {last:%FT%TZ}")
        if since is None:
            return _CAUGHT_UP
        lacking = sorted(name for name, each in gateways.items() if not self._covers(each, since, now))
        if not lacking:
            return _CAUGHT_UP
        reason = f"not caught up with {', '.join(lacking)} since webhooks could be received again, {since:%FT%TZ}"
        return _standing(now - since, limits.wait, reason)

    def standings(self, now: datetime) -> dict[str, AccountStanding]:
        """Return the standing of each account that is caught up with."""
        return {account_id: self.standing_of(account_id, now) for account_id in self._caught_up}

    def _note(self, event: CatchUpCompleted, now: datetime) -> None:
        gateways = self._caught_up.setdefault(event.account_id, {})
        if event.gateway in gateways:
            gateways[event.gateway].note(event.complete_to, now, self.limits.known)
        else:
            gateways[event.gateway] = _CatchUp(event.complete_to)

    def _covers(self, caught_up: _CatchUp, since: datetime, now: datetime) -> bool:
        return caught_up.complete_to(now, self.limits.known) >= since + self.limits.settle


def _received(heard: Iterable[ReceptionConfirmed], gap: timedelta) -> ReceivedTimes:
    """Return since when some instance or other could take webhooks without a gap, and until when that is known.

    None: since the first heartbeat there is, before which no downtime is known.
    """
    newest_first = sorted(heard, key=lambda each: each.confirmed_at, reverse=True)
    since = last = newest_first[0].confirmed_at
    for each in newest_first:
        if each.confirmed_at < since - gap:
            return ReceivedTimes(since, last)
        since = min(since, each.since)
    return ReceivedTimes(None, last)


def _by_clock(event: AnyReceptionEvent, now: datetime) -> AnyReceptionEvent:
    """Return the event by the clock of this machine, if that of its writer is ahead: what is read has happened.

    Otherwise the silence of an instance would be noticed only when this clock has come as far.
    """
    match event:
        case ReceptionConfirmed(since=since, confirmed_at=at) if at > now:
            return event.model_copy(update={"since": since - (at - now), "confirmed_at": now})
        case CatchUpCompleted(complete_to=complete_to, completed_at=at) if at > now:
            return event.model_copy(update={"complete_to": complete_to - (at - now), "completed_at": now})
        case _:
            return event


def _standing(waited: timedelta, limit: timedelta, reason: str) -> AccountStanding:
    return AccountStanding("waits" if waited < limit else "given_up", reason)
