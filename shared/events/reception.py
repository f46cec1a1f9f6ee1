"""Topic `inbound-status` (compacted): whether what recipients write reaches us, and how far it has been caught up with.

A record's key is what compaction keeps one of: `reception|instance` and `catch-up|account|gateway`. A key without a
value: the gateway of that account is caught up with no more.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, TypeAdapter

from shared.events.base import AccountId, Event, StorableText, Time, format_time

InstanceId = Annotated[StorableText, Field(min_length=1)]
GatewayOfAccount = Annotated[StorableText, Field(pattern=r"^[a-z0-9-]{1,64}$")]


class ReceptionConfirmed(Event):
    """A heartbeat of one instance of the inbound service: it could take webhooks from `since` on, without a gap.

    That is, it ran, and Kafka had what it appended; `confirmed_at` is when it made the last heartbeat before this one
    that Kafka acknowledged, of the first one when it was made.
    """

    category: ClassVar[str] = "reception"

    type: Literal["reception_confirmed"] = "reception_confirmed"
    instance_id: InstanceId
    since: Time
    confirmed_at: Time

    def key(self) -> bytes:
        return f"reception|{self.instance_id}".encode()

    def cloud_event_id(self) -> str:
        return f"{self.instance_id}-{format_time(self.confirmed_at)}"

    def cloud_event_time(self) -> datetime:
        return self.confirmed_at


class CatchUpCompleted(Event):
    """A round of catching up has ended: whatever the gateway listed for the account by `complete_to` is in Kafka.

    `complete_to` is when the round began, `completed_at` when it ended.
    """

    category: ClassVar[str] = "reception"

    type: Literal["catch_up_completed"] = "catch_up_completed"
    account_id: AccountId
    gateway: GatewayOfAccount
    complete_to: Time
    completed_at: Time

    def key(self) -> bytes:
        return catch_up_key(self.account_id, self.gateway)

    def cloud_event_id(self) -> str:
        return f"{self.account_id}-{self.gateway}-{format_time(self.complete_to)}"

    def cloud_event_time(self) -> datetime:
        return self.completed_at


def catch_up_key(account_id: str, gateway: str) -> bytes:
    """Return the key of the records about one account at one gateway."""
    return f"catch-up|{account_id}|{gateway}".encode()


AnyReceptionEvent = ReceptionConfirmed | CatchUpCompleted
ReceptionEvent = Annotated[AnyReceptionEvent, Field(discriminator="type")]
reception_event_adapter: TypeAdapter[AnyReceptionEvent] = TypeAdapter(ReceptionEvent)
