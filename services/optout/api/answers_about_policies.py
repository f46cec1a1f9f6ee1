"""The answers of `/v1` about reach policies."""

from collections.abc import Sequence

from services.optout.api.answers import ShownPage, ShownTime, V1Answer
from services.optout.policies.width import Reach


class EffectivePolicy(V1Answer):
    """The reach of a reply's opt-out in a country, `*` for all others, and the version that says so."""

    country: str
    reach: Reach
    version: str | None


class ShownShippedPolicy(V1Answer):
    version: str
    countries: Sequence[str]
    reach: Reach
    valid_from: ShownTime
    source: str
    text: str


class ShownPolicies(V1Answer):
    at: ShownTime
    effective: Sequence[EffectivePolicy]
    shipped: Sequence[ShownShippedPolicy]


class ShownPolicy(V1Answer):
    version: str
    country: str
    reach: Reach
    valid_from: ShownTime
    postpones: str | None
    postponed_until: ShownTime | None
    reason: str
    by: str
    made_at: ShownTime


class ShownNewPolicy(ShownPolicy):
    effective: EffectivePolicy


class PolicyPage(ShownPage):
    versions: Sequence[ShownPolicy]


class AffectedList(V1Answer):
    list_id: int
    name: str
    recipients: int


class CountedRecipients(ShownPage):
    """The number of examined recipients who would get less, and of which lists."""

    at: ShownTime
    examined: int
    recipients: int
    memberships: int
    lists: Sequence[AffectedList]


class StoppedMembership(V1Answer):
    list_id: int
    name: str


class ShownRecipient(V1Answer):
    """A recipient who would get less; `left` are the scopes that they opted out of."""

    phone: str
    country: str | None
    left: Sequence[str]
    reach: Reach
    version: str | None
    stops: Sequence[StoppedMembership]


class RecipientPage(ShownPage):
    recipients: Sequence[ShownRecipient]
