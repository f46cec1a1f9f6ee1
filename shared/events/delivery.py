"""Topic `delivery-events`: what became of each outbound message."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from shared.events.base import AccountId, IdentifiedEvent, LinkToken, ListId, MessageId, ShortText, Time, derived_id
from shared.phones import Phone, SenderNumber
from shared.scopes import Scope

SuppressedState = Literal["opted_out", "held"]


class _MessageEvent(IdentifiedEvent):
    category: ClassVar[str] = "delivery"

    account_id: AccountId
    message_id: MessageId
    list_id: ListId
    phone: Phone
    sender_number: SenderNumber


class MessageDispatching(_MessageEvent):
    """The carrier is about to be called. `decision_started_at` is when the fence of the decision began.

    `instruction` is the end of the text that names its way out, as it is sent, so that a reply can be compared with it.
    `link_token` is the end of the message's opt-out link, where it has one. `segments` is how many there are.
    `confirms_opt_out` is the event whose opt-out the message confirms, which only the one answer to an opt-out has.
    (Optional since version 1 was published.)
    """

    type: Literal["message_dispatching"] = "message_dispatching"
    decision_started_at: Time
    instruction: ShortText | None = None
    link_token: LinkToken | None = None
    segments: Annotated[int, Field(ge=1)] | None = None
    confirms_opt_out: UUID | None = None


class MessageSent(_MessageEvent):
    """The carrier took the message."""

    type: Literal["message_sent"] = "message_sent"
    carrier_message_id: ShortText


class MessageSuppressed(_MessageEvent):
    """The message was dropped: sending to the phone is forbidden for `scope`."""

    type: Literal["message_suppressed"] = "message_suppressed"
    scope: Scope
    state: SuppressedState
    decision_started_at: Time


class MessageFailed(_MessageEvent):
    """The carrier refused the message for good."""

    type: Literal["message_failed"] = "message_failed"
    reason: ShortText


class MessageOutcomeUnknown(_MessageEvent):
    """The carrier was called and no answer is known; a delivery receipt settles it, never a second call."""

    type: Literal["message_outcome_unknown"] = "message_outcome_unknown"


class MessageRejected(IdentifiedEvent):
    """The request did not validate and is parked, or the message must not leave; `detail` says what to do.

    `phone` is missing where the request had none that is one, or was cancelled before it came.
    The gate's reasons are those of `shared.gate`; those of times and cancellations are in `docs/producers.md`.
    """

    category: ClassVar[str] = "delivery"

    type: Literal["message_rejected"] = "message_rejected"
    account_id: AccountId | None = None
    message_id: MessageId
    phone: Phone | None = None
    reason: ShortText
    detail: ShortText


class MessageWaiting(_MessageEvent):
    """The message waits in the sender's database: it leaves at `until` at the earliest, and is decided then.

    `reason` is a word for what it waits for: `send_at` is the time that its request names; further words may come.
    It is not an outcome: one follows. A message that waits several times has one event for each time.
    """

    type: Literal["message_waiting"] = "message_waiting"
    until: Time
    reason: ShortText


class DeliveryReceiptReceived(IdentifiedEvent):
    """A gateway's receipt for a message. `message_id` is ours, where the gateway gives it back.

    `block_code` is the carrier's code where it did not deliver because the recipient has opted out with the carrier.
    `message_reference` is `shared.smpp.references.reference_of` our id, where the gateway gives that back instead; it
    may be missing, as in events before it was there.
    """

    category: ClassVar[str] = "delivery"

    type: Literal["delivery_receipt_received"] = "delivery_receipt_received"
    account_id: AccountId
    gateway: ShortText
    carrier_message_id: ShortText
    message_id: MessageId | None = None
    phone: Phone | None = None
    status: Literal["delivered", "failed", "pending"]
    gateway_status: ShortText
    block_code: ShortText | None = None
    message_reference: Annotated[int, Field(ge=0, le=0xFFFF)] | None = None


class RecipientErased(IdentifiedEvent):
    """A recipient is erased: whoever keeps anything of the messages to them up to now erases it, too."""

    category: ClassVar[str] = "delivery"

    type: Literal["recipient_erased"] = "recipient_erased"
    account_id: AccountId
    phone: Phone


AnyDeliveryEvent = (
    MessageDispatching
    | MessageSent
    | MessageSuppressed
    | MessageFailed
    | MessageOutcomeUnknown
    | MessageRejected
    | MessageWaiting
    | DeliveryReceiptReceived
    | RecipientErased
)
DeliveryEvent = Annotated[AnyDeliveryEvent, Field(discriminator="type")]
delivery_event_adapter: TypeAdapter[AnyDeliveryEvent] = TypeAdapter(DeliveryEvent)


def delivery_event_id(account_id: str, message_id: str, event_type: str) -> UUID:
    """Return the id of the event of `event_type` about a message: one of each, however often it is published."""
    return derived_id(f"{account_id}|{message_id}", event_type)
