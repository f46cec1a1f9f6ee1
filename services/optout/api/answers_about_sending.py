"""The answers of `/v1` about campaigns, rules and their simulations."""

from collections.abc import Mapping, Sequence
from typing import Literal

from services.optout.api.answers import ShownId, ShownPage, ShownTime, V1Answer
from services.optout.campaigns.campaign import CampaignState
from services.optout.decision_log.entry import DecisionKind
from services.optout.simulation.store import SimulationState
from shared.events.outbound import Purpose
from shared.events.suppression import FrequencyPolicy, GatePolicy
from shared.fair_hours.sending_hours import AppliesTo


class CampaignSummary(V1Answer):
    campaign_id: int
    list_id: int
    name: str
    sender_number: str
    body: str
    purpose: Purpose
    state: CampaignState
    scheduled_at: ShownTime
    created_at: ShownTime
    started_at: ShownTime | None
    ended_at: ShownTime | None


class CampaignProgress(V1Answer):
    """The progress of a campaign; `messages` has the number of messages of each status."""

    recipients: int
    requested: int
    skipped: int
    messages: Mapping[str, int]


class ShownCampaign(CampaignSummary):
    progress: CampaignProgress


class CampaignPage(ShownPage):
    campaigns: Sequence[CampaignSummary]


class ShownRule(V1Answer):
    """A rule; `message_search_type` is null where ClickSend has no number for how it matches."""

    inbound_rule_id: int
    dedicated_number: str
    rule_name: str
    message_search_type: int | None
    message_search_term: str
    action: str
    action_address: str | None
    enabled: int
    webhook_type: str | None
    match: str
    terms: Sequence[str]
    scope: str
    position: int
    only_as_answer: bool
    version: int


class ShownRules(V1Answer):
    rules: Sequence[ShownRule]


class DeletedRule(V1Answer):
    inbound_rule_id: int


class ShownPack(V1Answer):
    pack: str
    rules: Sequence[ShownRule]
    added: bool


class ShownPacks(V1Answer):
    packs: Sequence[ShownPack]


class SimulationProgress(V1Answer):
    examined: int
    total: int


class NewMatch(V1Answer):
    """A message that only the draft matches; `answer` is what was decided about it."""

    event_id: ShownId
    phone: str
    body: str
    decided_at: ShownTime
    answer: DecisionKind


class ShownSimulation(V1Answer):
    """A simulation of a rule; `first_new` are the newest of the messages that only it matches."""

    simulation_id: ShownId
    state: SimulationState | Literal["cancelled"]
    progress: SimulationProgress
    matched: int
    new: int
    first_new: Sequence[NewMatch]
    started_at: ShownTime


class ShownGateway(V1Answer):
    """A gateway that was heard from at `heard_at`.

    `answers_stop_itself` is `by_default` where its company answers STOP unless that is switched off there; in
    `took_stop_itself_at` it last reported that it had taken a reply as an opt-out by itself.
    """

    gateway: str
    heard_at: ShownTime
    answers_stop_itself: Literal["by_default", "not_known"]
    took_stop_itself_at: ShownTime | None
    how_to_switch_it_off: str | None
    documentation: str


class ShownGateways(V1Answer):
    gateways: Sequence[ShownGateway]


class ShownGate(V1Answer):
    """The settings of the gate; `words` are those that messages may name, by sender number: `*` is every one."""

    policy: GatePolicy
    instruction: str | None
    instruction_segments: int | None
    exempts_conversational: bool
    words: Mapping[str, Sequence[str]]


class ShownConfirmation(V1Answer):
    """A text that answers an opt-out; `sender_number` is null where it is that of every number in the country."""

    country: str
    sender_number: str | None
    text: str
    segments: int
    asks_scope: bool
    list_word: str | None
    carrier_is_silent: bool


class ShownConfirmations(V1Answer):
    """The texts that answer an account's opt-outs; with none of them there is silence."""

    confirmations: Sequence[ShownConfirmation]


class ShownSendingHours(V1Answer):
    """The hours of an account's messages; hours by day, on the recipient's clock."""

    applies_to: AppliesTo
    own: Mapping[str, str] | None
    elsewhere: Mapping[str, str] | None
    default_zone: str


class ShownFrequencyCap(V1Answer):
    """An answer about how often an account messages one recipient; `messages` is null where it has no cap."""

    messages: int | None
    hours: int
    per_list: bool
    policy: FrequencyPolicy
    exempts_conversational: bool
    exempts_transactional: bool
