"""Topic `outbound-messages`: what a business asks to be sent, now or later. Any Kafka client may write it."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Discriminator, Field, Tag, TypeAdapter

from shared.events.base import AccountId, Body, Event, ListId, MessageId, ShortText, Time
from shared.phones import RequestedPhone, SenderNumber

MAX_ALSO_LISTS = 1_000

Purpose = Literal["marketing", "transactional"]
"""Transactional is what the recipient is waiting for or has to know: a one-time code, a delivery, a changed booking."""


class MessageRequested(Event):
    """A message to one member of a list.

    `phone` may be in any spelling that names its country; what is read is the canonical number.
    `message_id` is the producer's own and unique within the account: a second request with the same id is never sent.
    `also_lists` are further lists whose opt-outs forbid it: where whoever asks for it names no list, `list_id` is the
    account's default list, and these are those of its sender number.
    `conversational` says that it answers something that the recipient wrote; see "The gate" in `docs/producers.md`.
    `send_at` is the earliest time at which it may leave, a year ahead at most; what forbids it is looked up then.
    After `valid_until` it does not leave any more. Both are optional, and came after the first release of this version:
    whoever does not know them sends at once, as before.
    `confirms_opt_out` makes it the one answer to an opt-out, by the id of its event. Only the opt-out service asks for
    such messages: whoever else names an event is not believed, and the message is rejected or suppressed.
    (Optional since version 1 was published.)
    `purpose`, `recipient_state` (ISO 3166-2) and `recipient_zone` (IANA) are for the hours at which it may leave; see
    `docs/sending-hours.md`. They were added to version 1: a request without them is the same as before.
    """

    category: ClassVar[str] = "outbound"

    type: Literal["message_requested"] = "message_requested"
    account_id: AccountId
    message_id: MessageId
    list_id: ListId
    phone: RequestedPhone
    sender_number: SenderNumber
    body: Annotated[Body, Field(min_length=1)]
    requested_at: Time | None = None
    also_lists: Annotated[tuple[ListId, ...], Field(max_length=MAX_ALSO_LISTS)] = ()
    conversational: bool = False
    send_at: Time | None = None
    valid_until: Time | None = None
    confirms_opt_out: UUID | None = None
    purpose: Purpose | None = None
    recipient_state: ShortText | None = None
    recipient_zone: ShortText | None = None

    def cloud_event_id(self) -> str:
        return f"{self.account_id}/{self.message_id}"


class MessageCancelRequested(Event):
    """A request not to send a message that has not left yet: it may come before the message itself.

    The outcome of the message is published in any case: rejected as `cancelled`, or what it was before.
    """

    category: ClassVar[str] = "outbound"

    type: Literal["message_cancel_requested"] = "message_cancel_requested"
    account_id: AccountId
    message_id: MessageId
    requested_at: Time | None = None

    def cloud_event_id(self) -> str:
        return f"{self.account_id}/{self.message_id}/cancel"


def _type_of(event: Any) -> str | None:
    """Return the type of an event; a record without one is a `message_requested`."""
    event_type = event.get("type", "message_requested") if isinstance(event, dict) else getattr(event, "type", None)
    return event_type if isinstance(event_type, str) else None


AnyOutboundEvent = MessageRequested | MessageCancelRequested
OutboundEvent = Annotated[
    Annotated[MessageRequested, Tag("message_requested")]
    | Annotated[MessageCancelRequested, Tag("message_cancel_requested")],
    Discriminator(_type_of),
]
outbound_event_adapter: TypeAdapter[AnyOutboundEvent] = TypeAdapter(OutboundEvent)
