"""The answer of `/v1/statistics`."""

from collections.abc import Sequence

from services.optout.api.answers import V1Answer


class EffectTimes(V1Answer):
    """The times from replies to their effect, of the newest opt-outs by reply; null where there was none."""

    replies: int
    p50_ms: float | None
    p99_ms: float | None


class ListStatistics(V1Answer):
    """A list, with how many contacts it has and how many numbers have opted out of it, or are held.

    `gone` is of how many of those numbers are not on the list any more, such as after a clean-up: a rate of opt-outs is
    that of `contacts` and `gone` together.
    """

    list_id: int
    name: str
    contacts: int
    opted_out: int
    gone: int


class CampaignStatistics(V1Answer):
    """A campaign, with its messages so far, and how many of the newest opt-outs answered one of them."""

    campaign_id: int
    name: str
    state: str
    requested: int
    opted_out: int


class PartitionStatistics(V1Answer):
    """A partition of `inbound-messages`: how many events have come that are not decided yet."""

    partition: int
    undecided: int


class ShownStatistics(V1Answer):
    """An account in figures; `decisions` is of how many of the newest decisions the times and campaigns are."""

    decisions: int
    held: int
    effect: EffectTimes
    lists: Sequence[ListStatistics]
    campaigns: Sequence[CampaignStatistics]
    partitions: Sequence[PartitionStatistics]
