"""Topic `suppressions` (compacted): whom a sender may not message, and how far that is known.

Each partition is written by one transactional producer at a time. A record's key is what compaction keeps one of:
`account|scope|phone` for a suppression, `!watermark` and `!checkpoint` for the two that vouch for the others.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, TypeAdapter

from shared.events.base import AccountId, Event, Time, derived_id
from shared.events.delivery import Scope
from shared.phones import Phone

WATERMARK_KEY = b"!watermark"
CHECKPOINT_KEY = b"!checkpoint"

SuppressionState = Literal["opted_out", "held", "opted_in"]
Offset = Annotated[int, Field(ge=0)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class SuppressionChanged(Event):
    """The newest state of (account, scope, phone); `opted_out` and `held` forbid sending, `opted_in` does not."""

    category: ClassVar[str] = "suppression"

    type: Literal["suppression_changed"] = "suppression_changed"
    account_id: AccountId
    scope: Scope
    phone: Phone
    state: SuppressionState
    cause_event_id: UUID
    changed_at: Time

    def key(self) -> bytes:
        return f"{self.account_id}|{self.scope}|{self.phone}".encode()

    def cloud_event_id(self) -> str:
        return str(derived_id(self.cause_event_id, self.scope, self.state))

    def cloud_event_time(self) -> datetime:
        return self.changed_at


class WatermarkAdvanced(Event):
    """All offsets of the same partition of `inbound-messages` below `next_offset` are decided and published."""

    category: ClassVar[str] = "suppression"

    type: Literal["watermark_advanced"] = "watermark_advanced"
    next_offset: Offset

    def cloud_event_id(self) -> str:
        return f"watermark-{self.next_offset}"


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


AnySuppressionEvent = SuppressionChanged | WatermarkAdvanced | CheckpointPublished
SuppressionEvent = Annotated[AnySuppressionEvent, Field(discriminator="type")]
suppression_event_adapter: TypeAdapter[AnySuppressionEvent] = TypeAdapter(SuppressionEvent)
