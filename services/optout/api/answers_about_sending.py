"""The answers of `/v1` about campaigns, rules and their simulations."""

from collections.abc import Mapping, Sequence
from typing import Literal

from services.optout.api.answers import ShownId, ShownPage, ShownTime, V1Answer
from services.optout.campaigns.campaign import CampaignState
from services.optout.decision_log.entry import DecisionKind
from services.optout.rules.rule_match import MatchKind
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


class ChangedMatch(V1Answer):
    """A message that the draft would change something about; `answer` is what was decided about it.

    `before` and `after` are what the rules say of it as they are, and with the draft.
    """

    event_id: ShownId
    phone: str
    body: str
    decided_at: ShownTime
    answer: DecisionKind
    before: MatchKind | None = None
    after: MatchKind | None = None


class ShownSimulation(V1Answer):
    """A simulation of a rule.

    `first_new` are the newest of the messages that only it matches, `first_lost` of those that the rule which it
    replaces decided, and no rule would any more.
    """

    simulation_id: ShownId
    state: SimulationState | Literal["cancelled"]
    progress: SimulationProgress
    matched: int
    new: int
    lost: int
    first_new: Sequence[ChangedMatch]
    first_lost: Sequence[ChangedMatch]
    started_at: ShownTime


class RejectedText(V1Answer):
    reason: str
    detail: str


class ExampleText(V1Answer):
    phone: str
    text: str
    segments: int


class PreviewedCampaign(V1Answer):
    """A campaign as it would be, of which nothing is made.

    `text` is what would be sent to a recipient without fields, with the instruction that the account appends;
    `unusual_characters` are those that keep it out of the GSM alphabet. `segments_least` to `segments_most` are of the
    texts of the first `examined` members, of whom `skipped` get none; `segments_of_all` is estimated from them.
    `recipients` is null where the list takes too long to count.
    """

    recipients: int | None
    text: str
    encoding: Literal["gsm7", "ucs2"]
    units: int
    segments: int
    unusual_characters: Sequence[str]
    instruction_is_appended: bool
    rejection: RejectedText | None
    examined: int
    skipped: int
    segments_least: int
    segments_most: int
    segments_of_all: int | None
    examples: Sequence[ExampleText]


class RuleProblem(V1Answer):
    code: str
    message: str
    field: str | None


class ShownMatch(V1Answer):
    """A rule match of a text: the rule that decides it, and those whose actions follow."""

    kind: MatchKind
    rule: str | None
    matched_by: str
    follow_ups: Sequence[str]


class ExplainedText(V1Answer):
    """A reply as the rules read it, whether the draft matches it, and what the rules say without it and with it.

    `start` and `end` are of the matching `term` in `read_as`, where it is in it.
    """

    text: str
    read_as: str
    matches: bool
    term: str | None
    start: int | None
    end: int | None
    before: ShownMatch
    after: ShownMatch


class ExplainedRule(V1Answer):
    """A draft rule on sample texts; `problem` is why it could not be saved, null where it could."""

    problem: RuleProblem | None
    texts: Sequence[ExplainedText]


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
