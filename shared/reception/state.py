"""The state of reception, and for which accounts messages have to wait because of it; no I/O.

Somebody may have written STOP into the void while no instance of the inbound service could take webhooks: the gateway
does not always repeat them. So the messages of an account whose gateways are caught up with wait from the moment at
which the heartbeats stop until a round of catching up has ended that began after they came back. Accounts that nobody
catches up with do not wait: nothing would end it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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


@dataclass(slots=True)
class _CatchUp:
    """A record of how far an account is caught up with at one gateway: the newest that is known, and the one before."""

    newest: datetime
    known_at: datetime
    before: datetime | None = None

    def complete_to(self, now: datetime, known: timedelta) -> datetime | None:
        return self.newest if now - self.known_at >= known else self.before

    def note(self, complete_to: datetime, now: datetime, known: timedelta) -> None:
        """Note a round; one that comes while the last does not count yet is left out, or none would ever count."""
        if now - self.known_at >= known:
            self.before, self.newest, self.known_at = self.newest, max(self.newest, complete_to), now


class ReceptionState:
    """The state that the records of the topic lead to.

    Attributes:
        is_read: whether the topic was read to its end, as it was when that began.
    """

    def __init__(self, limits: ReceptionLimits) -> None:
        self.is_read = False
        self._limits = limits
        self._heard: dict[str, ReceptionConfirmed] = {}
        self._caught_up: dict[str, dict[str, _CatchUp]] = {}

    def apply(self, event: AnyReceptionEvent, now: datetime) -> None:
        """Note an event that was read `now`, or before this process decided anything: that has been known for long."""
        now = now if self.is_read else _LONG_AGO
        match event:
            case ReceptionConfirmed():
                self._heard.pop(event.instance_id, None)
                self._heard[event.instance_id] = event
                if len(self._heard) > _MAX_INSTANCES:
                    del self._heard[min(self._heard, key=lambda each: self._heard[each].confirmed_at)]
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
        last = max((each.confirmed_at for each in self._heard.values()), default=None)
        if gateways is None or last is None:
            return _CAUGHT_UP
        limits = self._limits
        if now - last > limits.gap:
            return _standing(now - last - limits.gap, limits.wait, f"no webhooks can be received since {last:%FT%TZ}")
        since = self._since(last)
        lacking = sorted(name for name, each in gateways.items() if not self._covers(each, since, now))
        if not lacking:
            return _CAUGHT_UP
        reason = f"not caught up with {', '.join(lacking)} since webhooks could be received again, {since:%FT%TZ}"
        return _standing(now - since, limits.wait, reason)

    def counts(self, now: datetime) -> dict[Standing, int]:
        """Return how many accounts there are of each standing."""
        found: dict[Standing, int] = {"caught_up": 0, "waits": 0, "given_up": 0}
        for account_id in list(self._caught_up):
            found[self.standing_of(account_id, now).standing] += 1
        return found

    def _note(self, event: CatchUpCompleted, now: datetime) -> None:
        gateways = self._caught_up.setdefault(event.account_id, {})
        if event.gateway in gateways:
            known = self._limits.known if self.is_read else timedelta(0)
            gateways[event.gateway].note(event.complete_to, now, known)
        else:
            gateways[event.gateway] = _CatchUp(event.complete_to, now)

    def _covers(self, caught_up: _CatchUp, since: datetime, now: datetime) -> bool:
        complete_to = caught_up.complete_to(now, self._limits.known)
        return complete_to is not None and complete_to >= since + self._limits.settle

    def _since(self, last: datetime) -> datetime:
        """Return since when some instance or other could take webhooks, up to `last`, without a gap."""
        since = last
        for begins, ends in _newest_first(self._heard.values()):
            if ends < since - self._limits.gap:
                break
            since = min(since, begins)
        return since


def _newest_first(heard: Iterable[ReceptionConfirmed]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the times in which instances could take webhooks, those first that ended last."""
    for each in sorted(heard, key=lambda each: each.confirmed_at, reverse=True):
        yield each.since, each.confirmed_at


def _standing(waited: timedelta, limit: timedelta, reason: str) -> AccountStanding:
    return AccountStanding("waits" if waited < limit else "given_up", reason)
