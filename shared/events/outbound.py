"""Topic `outbound-messages`: what a business asks to be sent. Any Kafka client may write it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, TypeAdapter

from shared.events.base import AccountId, Body, Event, ListId, MessageId, Time
from shared.phones import RequestedPhone, SenderNumber

MAX_ALSO_LISTS = 1_000


class MessageRequested(Event):
    """A message to one member of a list.

    `phone` may be in any spelling that names its country; what is read is the canonical number.
    `message_id` is the producer's own and unique within the account: a second request with the same id is never sent.
    `also_lists` are further lists whose opt-outs forbid it: where whoever asks for it names no list, `list_id` is the
    account's default list, and these are those of its sender number.
    `conversational` says that it answers something that the recipient wrote; see "The gate" in `docs/producers.md`.
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

    def cloud_event_id(self) -> str:
        return f"{self.account_id}/{self.message_id}"


outbound_event_adapter: TypeAdapter[MessageRequested] = TypeAdapter(MessageRequested)
