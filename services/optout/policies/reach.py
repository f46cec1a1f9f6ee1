"""How far an opt-out reaches where the reply does not say: by the account's policies and the shipped ones. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.optout.policies.own import OwnPolicy
from services.optout.policies.shipped import SHIPPED, ShippedPolicy
from services.optout.policies.width import NO_POLICY, WIDTH, PolicyReach
from shared.phones.country import country_of_phone

EVERYWHERE = "*"


def reach_of(
    own: Sequence[OwnPolicy], shipped: Sequence[ShippedPolicy], country: str | None, at: datetime
) -> PolicyReach:
    """Return the reach of a reply from a phone of `country` that came `at`.

    The account's newest policy for the country applies, else its newest for all; and the shipped ones for the country
    that it does not postpone. Of these, the widest counts.
    """
    mine = _in_force(own, country, at) or _in_force(own, EVERYWHERE, at)
    asked = [each for each in shipped if each.applies(country, at)]
    if mine is None:
        candidates: list[OwnPolicy | ShippedPolicy] = [*asked]
    else:
        candidates = [mine, *(each for each in asked if not mine.is_postponed(each.version, at))]
    if not candidates:
        return NO_POLICY
    widest = max(candidates, key=lambda policy: WIDTH[policy.reach])
    return PolicyReach(widest.reach, widest.name)


def _in_force(own: Sequence[OwnPolicy], country: str | None, at: datetime) -> OwnPolicy | None:
    """Return the newest version for just this `country` that has begun to apply."""
    begun = [each for each in own if each.country == country and each.valid_from <= at]
    return max(begun, key=lambda policy: policy.version, default=None)


@dataclass(frozen=True, slots=True)
class ReachPolicies:
    """All policies that apply to an account's recipients."""

    own: Sequence[OwnPolicy] = ()
    shipped: Sequence[ShippedPolicy] = SHIPPED

    def reach_for(self, phone: str, at: datetime) -> PolicyReach:
        """Return the reach of a reply from `phone` that came `at`; the country is looked up only where it matters."""
        begun = [each.valid_from <= at for each in self.own] + [each.valid_from <= at for each in self.shipped]
        if not any(begun):
            return NO_POLICY
        return reach_of(self.own, self.shipped, country_of_phone(phone), at)


SHIPPED_ALONE = ReachPolicies()
"""The policies of an account that has made none of its own."""
