"""Topic `suppressions` (compacted): whom a sender may not message, and how far that is known.

Each partition is written by one transactional producer at a time. A record's key is what compaction keeps one of:
`account|scope|phone` for a suppression, `!changes|id|scope` for those of many phones, `!settings|account` and
`!list|account|id` for what the gate asks, `!watermark` and `!checkpoint` for the two that vouch for the others. An
account's settings and lists are in the partition of its id.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, WithJsonSchema

from shared.events.anchor import Sha256
from shared.events.base import AccountId, Event, ListId, MessageId, ShortText, Time, derived_id
from shared.events.removals import MAX_PHONES
from shared.fair_hours.sending_hours import SendingHours
from shared.phones import Phone, SenderNumber
from shared.scopes import Scope

WATERMARK_KEY = b"!watermark"
CHECKPOINT_KEY = b"!checkpoint"
CHANGES_KEY = b"!changes|"
"""The start of the keys of `suppressions_changed`."""

SuppressionState = Literal["opted_out", "held", "opted_in"]
GatePolicy = Literal["reject", "append"]
"""What becomes of a message without a way out: it is rejected, or the account's instruction is appended."""
FrequencyPolicy = Literal["wait", "reject"]
"""What becomes of a message to a recipient who has had enough: it waits until there may be one more, or is rejected."""
MAX_CAP_MESSAGES = 100
MAX_CAP_HOURS = 720
Offset = Annotated[int, Field(ge=0)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
ConfirmationText = Annotated[str, StringConstraints(min_length=1, max_length=320)]
MAX_CONFIRMATIONS = 100
"""Of one account: one for each country, or for one sender number there."""


class _PartOfEvent(BaseModel):
    """The base of what an event is made of, as strict as it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class AllowedConfirmation(_PartOfEvent):
    """The one message that may answer an opt-out: this text, under this id, from this number, until five minutes after.

    `list_id` is the list that it is a message of, `received_at` when the reply that opted out was received. No other
    message is let through, whoever asks for it.
    """

    message_id: MessageId
    list_id: ListId | None = None
    sender_number: SenderNumber
    body_sha256: Sha256
    received_at: Time


class PublishedConfirmation(_PartOfEvent):
    """A text by which an account confirms opt-outs in a country: from one sender number, or from any.

    While it `asks_scope`, an opt-out by reply is of the account, until the reply `list_word` narrows it to the list.
    `carrier_is_silent` is the account's word that it has switched off what its carrier answers to STOP by default.
    """

    country: CountryCode
    sender_number: SenderNumber | None = None
    text: ConfirmationText
    asks_scope: bool = False
    list_word: ShortText | None = None
    carrier_is_silent: bool = False


class SuppressionChanged(Event):
    """The newest state of (account, scope, phone); `opted_out` and `held` forbid sending, `opted_in` does not.

    `confirmation` is the answer that the opt-out may get; the field is missing where it gets none.
    (Optional since version 1 was published.)
    """

    category: ClassVar[str] = "suppression"

    type: Literal["suppression_changed"] = "suppression_changed"
    account_id: AccountId
    scope: Scope
    phone: Phone
    state: SuppressionState
    cause_event_id: UUID
    changed_at: Time
    confirmation: Annotated[AllowedConfirmation | None, Field(exclude_if=lambda value: value is None)] = None

    def key(self) -> bytes:
        return f"{self.account_id}|{self.scope}|{self.phone}".encode()

    def cloud_event_id(self) -> str:
        return str(derived_id(self.cause_event_id, self.scope, self.state))

    def cloud_event_time(self) -> datetime:
        return self.changed_at


class SuppressionsChanged(Event):
    """The newest state of (account, scope) for each of `phones`, all of this partition: what a clean-up changes.

    It says what a `suppression_changed` for each would. No later record has its key, so compaction keeps it; whichever
    record of a phone comes later in the partition holds. `cause_event_id` is that of the first phone.
    """

    category: ClassVar[str] = "suppression"

    type: Literal["suppressions_changed"] = "suppressions_changed"
    account_id: AccountId
    scope: Scope
    phones: Annotated[tuple[Phone, ...], Field(min_length=1, max_length=MAX_PHONES)]
    state: SuppressionState
    cause_event_id: UUID
    changed_at: Time

    def singly(self) -> Iterator[SuppressionChanged]:
        """Yield what it says as events about one phone each, all with the cause of the first."""
        common = self.model_dump(exclude={"type", "version", "phones"})
        for phone in self.phones:
            yield SuppressionChanged(**common, phone=phone)

    def key(self) -> bytes:
        return CHANGES_KEY + f"{self.cause_event_id}|{self.scope}".encode()

    def cloud_event_id(self) -> str:
        return str(derived_id(self.cause_event_id, self.scope, self.state, "many"))

    def cloud_event_time(self) -> datetime:
        return self.changed_at


class WatermarkAdvanced(Event):
    """All offsets of the same partition of `inbound-messages` below `next_offset` are decided and published.

    So is every change of an account's settings that was committed before: those of `settings_epoch` are all there are,
    and `settings_digest` is the sum of their records' digests. Without an epoch they are not all published.
    """

    category: ClassVar[str] = "suppression"

    type: Literal["watermark_advanced"] = "watermark_advanced"
    next_offset: Offset
    settings_epoch: Digest | None = None
    settings_digest: Digest | None = None

    def cloud_event_id(self) -> str:
        return f"watermark-{self.next_offset}"


class MarkersPassed(Event):
    """The next watermark where nothing but fence markers came since the last: all below `next_offset` is decided.

    It is published outside of a transaction, and moves the watermark only where `settings_epoch` is that of the newest
    `watermark_advanced` before it in the partition: that one's writer may have a successor by now. It has the same key.
    """

    category: ClassVar[str] = "suppression"

    type: Literal["markers_passed"] = "markers_passed"
    next_offset: Offset
    settings_epoch: Digest

    def cloud_event_id(self) -> str:
        return f"markers-{self.settings_epoch}-{self.next_offset}"


class CheckpointPublished(Event):
    """The suppressions that a cache must hold at this place in the partition.

    `suppressed_count` counts the keys that forbid sending; `digest` is their sum (`shared.suppression_digest`).
    """

    category: ClassVar[str] = "suppression"

    type: Literal["checkpoint_published"] = "checkpoint_published"
    next_offset: Offset
    suppressed_count: Offset
    digest: Digest

    def cloud_event_id(self) -> str:
        return f"checkpoint-{self.next_offset}"


class FrequencyCap(BaseModel):
    """A limit on how many messages a recipient gets from an account within `hours`; `per_list`: from each of its lists.

    What is over it waits until the cap allows it, or is rejected. Messages that answer the recipient may be exempt, and
    those with the purpose `transactional` (`exempts_transactional`, optional since version 1 was published).
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    messages: Annotated[int, Field(ge=1, le=MAX_CAP_MESSAGES)]
    hours: Annotated[int, Field(ge=1, le=MAX_CAP_HOURS)]
    per_list: bool = False
    policy: FrequencyPolicy = "wait"
    exempts_conversational: bool = False
    exempts_transactional: bool = False


class AccountSettingsPublished(Event):
    """The settings by which the gate judges an account's messages; they hold while `epoch` is the watermark's.

    `words` are those that active opt-out rules match, normalised, by the sender number that they hold on; `*` is every
    number, and as a word any word. `instruction` is what `append` adds to a message that has no way out.
    `opt_out_confirmations` are the texts that may answer an opt-out; without any, the account answers none.
    (Optional since version 1 was published.)
    `sending_hours` are the hours of its messages; None, as in older records: they leave at any time.
    `frequency_cap` was added to version 1: without it, the account messages its recipients as often as it asks for.
    """

    category: ClassVar[str] = "suppression"

    type: Literal["account_settings_published"] = "account_settings_published"
    account_id: AccountId
    epoch: Digest
    policy: GatePolicy
    instruction: ShortText | None = None
    exempts_conversational: bool
    words: dict[str, tuple[str, ...]]
    opt_out_confirmations: Annotated[tuple[PublishedConfirmation, ...], Field(max_length=MAX_CONFIRMATIONS)] = ()
    sending_hours: Annotated[SendingHours, WithJsonSchema(SendingHours.model_json_schema())] | None = None
    frequency_cap: Annotated[FrequencyCap, WithJsonSchema(FrequencyCap.model_json_schema())] | None = None

    def key(self) -> bytes:
        return f"!settings|{self.account_id}".encode()

    def cloud_event_id(self) -> str:
        return f"settings-{self.account_id}-{self.epoch}"


class ListPublished(Event):
    """A list of an account that messages may be sent to, or that there is none of its id any more.

    It holds while `epoch` is the watermark's.
    """

    category: ClassVar[str] = "suppression"

    type: Literal["list_published"] = "list_published"
    account_id: AccountId
    list_id: ListId
    epoch: Digest
    exists: bool

    def key(self) -> bytes:
        return f"!list|{self.account_id}|{self.list_id}".encode()

    def cloud_event_id(self) -> str:
        return f"list-{self.account_id}-{self.list_id}-{self.epoch}"


AnySuppressionEvent = (
    SuppressionChanged
    | SuppressionsChanged
    | WatermarkAdvanced
    | MarkersPassed
    | CheckpointPublished
    | AccountSettingsPublished
    | ListPublished
)
SuppressionEvent = Annotated[AnySuppressionEvent, Field(discriminator="type")]
suppression_event_adapter: TypeAdapter[AnySuppressionEvent] = TypeAdapter(SuppressionEvent)
