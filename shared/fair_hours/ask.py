"""Whether a message may leave now, else when: for one account's settings, with what was found before kept. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.fair_hours.calendar import HoursRules, next_window, window_on
from shared.fair_hours.days import DAYS
from shared.fair_hours.places import PREFIX_CHARACTERS, Whereabouts, is_zone, whereabouts
from shared.fair_hours.rules import HoursRule, rules_of
from shared.fair_hours.sending_hours import SendingHours, parts_of_days

MAX_KEPT = 16_384
"""Of answers for an account: some 430 area codes, and whatever states and zones its messages name."""
MAX_ACCOUNTS = 256
"""Whose answers are kept at once."""
_A_MOMENT = timedelta(microseconds=1)
_KEPT_FOR = timedelta(hours=1)
"""Of an answer that does not end by itself."""


@dataclass(frozen=True, slots=True)
class Open:
    """The answer that a message may leave, if that is decided before `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """The answer that a message has to wait for `until`, and the rule and zone that forbid it up to then."""

    until: datetime
    rule_id: str
    zone: str


@dataclass(frozen=True, slots=True)
class Never:
    """The answer that the places and zones a recipient may be in have no hour in common."""

    zones: tuple[str, ...]


HoursAnswer = Open | Closed | Never


@dataclass(frozen=True, slots=True)
class _Kept:
    since: datetime
    until: datetime
    answer: HoursAnswer


class AccountHours:
    """The hours of one account's recipients."""

    __slots__ = ("_applies_to", "_default_zone", "_elsewhere", "_kept", "_own")

    def __init__(self, settings: SendingHours) -> None:
        self._applies_to = settings.applies_to
        # A process with an older time zone database may not know a zone that the API accepted.
        self._default_zone = settings.default_zone if is_zone(settings.default_zone) else "UTC"
        self._own = _rule_of("account:own", settings.own)
        self._elsewhere = _rule_of("account:elsewhere", settings.elsewhere)
        self._kept: dict[tuple[str, str | None, str | None], _Kept] = {}

    def ask(self, phone: str, state: str | None, zone: str | None, now: datetime) -> HoursAnswer:
        """Return whether a message to a canonical number may leave.

        Args:
            phone: in E.164.
            state: where the request says that the recipient is, in ISO 3166-2; None: it does not.
            zone: the recipient's IANA time zone; None: the request names none.
            now: in UTC.

        Raises:
            UnknownPlaceError: there is no such state or zone.
        """
        key = phone[:PREFIX_CHARACTERS], state, zone
        kept = self._kept.get(key)
        if kept is None or not kept.since <= now < kept.until:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            kept = self._kept[key] = _kept(self._find(whereabouts(*key), now), now)
        return kept.answer

    def keeps(self, purpose: str | None, *, conversational: bool = False) -> bool:
        """Say whether a message keeps the hours.

        One whose purpose is not stated counts as marketing, unless it answers what its recipient wrote.
        """
        if self._applies_to == "marketing":
            return purpose == "marketing" or (purpose is None and not conversational)
        return self._applies_to == "all"

    def _find(self, where: Whereabouts, now: datetime) -> HoursAnswer:
        zones = where.zones or (self._default_zone,)
        rules = self._rules(where)
        if not rules:
            return Open(now + _KEPT_FOR)
        window = next_window(zones, rules, now)
        if window is None:
            return Never(zones)
        if window.opens <= now:
            return Open(window.closes)
        return Closed(window.opens, *_why_closed(zones, rules, window.opens - _A_MOMENT))

    def _rules(self, where: Whereabouts) -> HoursRules:
        """Return all rules that may apply, the most special ones last."""
        of_places = [rules_of(place).all for place in where.places]
        found = [rule for rules in of_places for rule in rules]
        found += [rule for place in where.of_number for rule in rules_of(place).by_area_code]
        has_rules = bool(of_places) and all(of_places)
        return tuple(dict.fromkeys((*found, *(() if has_rules else self._elsewhere), *self._own)))


def _rule_of(name: str, hours: dict[str, str] | None) -> tuple[HoursRule, ...]:
    return () if hours is None else (_own_rule(name, tuple(hours.items())),)


@lru_cache(maxsize=1_024)  # the same hours of many accounts are one rule, whose windows are computed once
def _own_rule(name: str, hours: tuple[tuple[str, str], ...]) -> HoursRule:
    parts = parts_of_days(dict(hours))
    return HoursRule(name, None, None, tuple(parts.get(day) for day in DAYS))


def _why_closed(zones: Sequence[str], rules: HoursRules, at: datetime) -> tuple[str, str]:
    """Return the most special rule, and the zone, by which a message must not leave at a moment."""
    for zone in zones:
        today = at.astimezone(ZoneInfo(zone)).date()
        for rule in reversed(rules):
            window = window_on(zone, (rule,), today)
            if window is None or not window.opens <= at < window.closes:
                return rule.rule_id, zone
    return rules[0].rule_id, zones[0]


def _kept(answer: HoursAnswer, now: datetime) -> _Kept:
    return _Kept(now, now + _KEPT_FOR if isinstance(answer, Never) else answer.until, answer)


class HoursOfAccounts:
    """The hours of all accounts that are asked about, kept as long as their settings are the same."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[SendingHours, AccountHours]] = {}

    def of(self, account_id: str, settings: SendingHours) -> AccountHours:
        """Return the hours of an account by its settings."""
        kept = self._kept.get(account_id)
        if kept is None or (kept[0] is not settings and kept[0] != settings):
            if len(self._kept) >= MAX_ACCOUNTS:
                self._kept.clear()
            kept = self._kept[account_id] = settings, AccountHours(settings)
        return kept[1]
