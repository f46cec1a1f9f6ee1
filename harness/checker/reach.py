"""How far a STOP had to reach, by the policies that the customer API shows: the account's own and the shipped ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import phonenumbers

from shared.events.inbound import MessageReceived
from shared.scopes import ACCOUNT, sender_scope

_NARROW_TO_WIDE = ("list", "sender", "account")
_EVERY_COUNTRY = "*"


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    """A version of an account's own policy; `postpones` is the shipped version that does not count meanwhile."""

    number: int
    country: str
    reach: str
    valid_from: datetime
    saved_at: datetime
    postpones: str | None = None
    postponed_until: datetime | None = None

    def is_postponing(self, version: str, at: datetime) -> bool:
        return self.postpones == version and self.postponed_until is not None and at < self.postponed_until


@dataclass(frozen=True, slots=True)
class GeneralPolicy:
    """A policy that holds for all accounts."""

    version: str
    countries: frozenset[str]
    reach: str
    valid_from: datetime


@dataclass(frozen=True, slots=True)
class AccountPolicies:
    """The policies of one account: every version that it ever saved, and what holds for all accounts."""

    own: tuple[SavedPolicy, ...] = ()
    general: tuple[GeneralPolicy, ...] = ()


def possible_reaches(policies: AccountPolicies, event: MessageReceived, decided_by: datetime) -> frozenset[str]:
    """Return how far a reply's STOP may reach: more than one where a version was saved while it was decided."""
    if not policies.own and not policies.general:
        return frozenset({"list"})
    country = country_of(event.phone)
    moments = {event.occurred_at, decided_by, *(each.saved_at for each in policies.own)}
    saved_by = [moment for moment in moments if event.occurred_at <= moment <= decided_by]
    return frozenset(_reach(policies, country, event.occurred_at, moment) for moment in saved_by or [decided_by])


def added_scopes(reach: str, sender_numbers: Iterable[str]) -> frozenset[str]:
    """Return the scopes that a STOP to lists stops beside them."""
    if reach == "account":
        return frozenset({ACCOUNT})
    return frozenset(map(sender_scope, sender_numbers)) if reach == "sender" else frozenset()


def _reach(policies: AccountPolicies, country: str | None, at: datetime, saved_by: datetime) -> str:
    saved = [each for each in policies.own if each.saved_at <= saved_by and each.valid_from <= at]
    own = _newest(saved, country) or _newest(saved, _EVERY_COUNTRY)
    general = [each for each in policies.general if country in each.countries and each.valid_from <= at]
    reaches = [each.reach for each in general if own is None or not own.is_postponing(each.version, at)]
    return max([*reaches, own.reach if own else "list"], key=_NARROW_TO_WIDE.index)


def _newest(saved: Iterable[SavedPolicy], country: str | None) -> SavedPolicy | None:
    return max((each for each in saved if each.country == country), key=lambda each: each.number, default=None)


def country_of(phone: str) -> str | None:
    """Return the country of a phone, by its number."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None
    found: str | None = phonenumbers.region_code_for_number(number)
    return found or phonenumbers.region_code_for_country_code(number.country_code or 0)
