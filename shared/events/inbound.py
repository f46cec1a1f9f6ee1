"""Topic `inbound-messages`: what recipients and gateways say, and the fence markers."""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, TypeAdapter

from shared.events.base import (
    AccountId,
    Body,
    Event,
    IdentifiedEvent,
    LinkToken,
    MessageId,
    StorableText,
    Time,
    derived_id,
)
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.phones import Phone, SenderNumber
from shared.scopes import Scope

MAX_READINGS = 6
MAX_SCOPES = 100
NOBODY = "+999"
"""A country code that the ITU has given to no one: what stands for a number whose country is not known."""
_OLDEST = timedelta(days=366)
_AHEAD = timedelta(minutes=10)


class MessageReceived(IdentifiedEvent):
    """A reply, as a gateway reported it.

    `event_id` is computed from what the gateway sent wherever the gateway gives its message an id, so that a webhook
    sent twice is the same event. `phone` wrote it, to our `sender_number`. `occurred_at` is when Stopline had it;
    `sent_at` is the gateway's own time, which is missing where the gateway gives none; then `unusable_sent_at` has what
    it wrote in the place of a time, if it wrote anything: one that cannot be read, or cannot be right.
    `replied_message_id` (ours) and `replied_carrier_message_id` (the carrier's) point at the message that this one
    answers, where the gateway knows.

    Where `from` may be the number of more than one person, `readings` has all of them, and there is an event for each
    (`as_reading`), on its own partition: what was sent decides which of them acts. `written_phone` has the digits of a
    number that did not say its country, which may also be one of the account's country.

    `part` is there where a gateway reports each part of a long text by itself (`2/3 of 173`: the third number is the
    gateway's for the whole): `body` is that part then. It may opt out and never opts in; nor does the whole text.

    `listed_sent_at` is there where the reply was read from the gateway's list of messages, which has a time, and its
    webhooks have none: it is the same event with it and without it. (Optional since version 1 was published.)

    `taken_by_carrier` says that the carrier itself took the reply as an opt-out, and answered it where it does so;
    `is_start_at_carrier` that it took it as an opt-in, by whatever word. `carrier` is the one that a relay has the
    reply from, by its gateway's name. (All three are optional since version 1 was published.)
    """

    category: ClassVar[str] = "inbound"

    type: Literal["message_received"] = "message_received"
    account_id: AccountId
    gateway: StorableText
    gateway_message_id: StorableText | None = None
    phone: Phone
    readings: Annotated[tuple[Phone, ...], Field(max_length=MAX_READINGS)] = ()
    written_phone: StorableText | None = None
    sender_number: SenderNumber | None = None
    body: Body
    replied_message_id: MessageId | None = None
    replied_carrier_message_id: StorableText | None = None
    replied_body: Body | None = None
    sent_at: Time | None = None
    unusable_sent_at: StorableText | None = None
    part: StorableText | None = None
    listed_sent_at: Time | None = None
    carrier: StorableText | None = None
    is_start_at_carrier: bool = False
    taken_by_carrier: bool = False


def is_likely_time(sent_at: datetime, received_at: datetime) -> bool:
    """Say whether a reply that was received then can have been sent at the time that its gateway gives.

    One from the future, or more than a year old, has a wrong time and not an odd one: nothing can be ordered by it.
    """
    return -_AHEAD < received_at - sent_at < _OLDEST


def as_reading(event: MessageReceived, phone: str) -> MessageReceived:
    """Return the event for another of its readings; the same whenever it is made."""
    return event.model_copy(update={"phone": phone, "event_id": derived_id(event.event_id, "reading", phone)})


def each_reading(event: MessageReceived) -> list[MessageReceived]:
    """Return the event, and one for each other number that its writer may have: each goes to its own partition."""
    return [event, *(as_reading(event, phone) for phone in event.readings if phone != event.phone)]


class FenceMarkerAppended(Event):
    """A marker of whoever waits at the fence.

    Once the watermark has passed its offset, everything before it is decided and published. `checkpoint_wanted` asks
    for a checkpoint of the partition, because a suppression cache could not read a record of `suppressions`.
    """

    category: ClassVar[str] = "inbound"

    type: Literal["fence_marker_appended"] = "fence_marker_appended"
    marker_id: UUID
    checkpoint_wanted: bool = False

    def cloud_event_id(self) -> str:
        return str(self.marker_id)


class ReviewDecided(IdentifiedEvent):
    """A person has looked at a held message: `confirm` makes it an opt-out, `release` lets messages through again.

    `held_event_id` is the message's event, `by` who decided. It follows what the phone wrote before, so a release
    never withdraws a later opt-out.
    """

    category: ClassVar[str] = "inbound"

    type: Literal["review_decided"] = "review_decided"
    account_id: AccountId
    phone: Phone
    held_event_id: UUID
    decision: Literal["confirm", "release"]
    by: Annotated[StorableText, Field(min_length=1)]


OptOutSource = Literal["api", "import", "phone_call", "mail", "by_hand", "clean_up", "link", "reassigned"]
OptInSource = Literal["api", "phone_call", "mail", "by_hand", "web_form", "undo", "link"]
Scopes = Annotated[tuple[Scope, ...], Field(min_length=1, max_length=MAX_SCOPES)]


class _PreferenceRequested(IdentifiedEvent):
    """The fields of a request that did not come as a message.

    `scopes` are what it is about, `by` is who made it, `statement` the words or the reason, kept as the text of the
    decision. `job_id` is the import or clean-up that it belongs to.
    """

    category: ClassVar[str] = "inbound"

    account_id: AccountId
    phone: Phone
    scopes: Scopes
    by: Annotated[StorableText, Field(min_length=1)]
    job_id: UUID | None = None


class OptOutRequested(_PreferenceRequested):
    """An opt-out by phone call, by mail, from an import and so on; `asked_at` is when the person asked, if known.

    It holds also where that was long ago; only an opt-in that was given later than `asked_at` stays.
    """

    type: Literal["opt_out_requested"] = "opt_out_requested"
    source: OptOutSource
    statement: Body | None = None
    asked_at: Time | None = None


class OptInRequested(_PreferenceRequested):
    """An opt-in with the wording that the person agreed to; `consented_at` is when, without it the time of the request.

    With `lifts` it lifts only what that event caused: what was asked for since stays.
    """

    type: Literal["opt_in_requested"] = "opt_in_requested"
    source: OptInSource
    statement: Annotated[Body, Field(min_length=1)]
    consented_at: Time | None = None
    lifts: UUID | None = None


class CarrierBlocked(IdentifiedEvent):
    """A carrier's own block: it refuses messages from these sender numbers to the phone, because of an opt-out.

    The carrier has heard a STOP itself, or has the phone on a list of its own. `sender_numbers` are all that its block
    covers, that of the message first; empty where the carrier does not say. `gateway` names the carrier as its gateway,
    `code` and `reason` are its own words. `message_id` (ours) and `carrier_message_id` are of the message that it
    refused, or of the reply that it took as an opt-out. A repetition has the same `event_id` (`carrier_block_id`).
    `opt_out_list` is the carrier's name of the list that it was read from, where nothing was refused; `occurred_at` is
    the time of the list's entry then. `covers_account`: the carrier puts everybody on that list who writes STOP to any
    number of the account. (Both are optional since version 1 was published.)
    """

    category: ClassVar[str] = "inbound"

    type: Literal["carrier_blocked"] = "carrier_blocked"
    account_id: AccountId
    gateway: Annotated[StorableText, Field(min_length=1)]
    phone: Phone
    sender_numbers: Annotated[tuple[SenderNumber, ...], Field(max_length=MAX_SCOPES)] = ()
    code: StorableText
    reason: StorableText
    message_id: MessageId | None = None
    carrier_message_id: StorableText | None = None
    opt_out_list: StorableText | None = None
    covers_account: bool = False


def carrier_block_id(account_id: str, gateway: str, message_id: str, phone: str) -> UUID:
    """Return the id of the block that a carrier reports about one message, ours or the carrier's own id of it."""
    return derived_id(f"{account_id}|{gateway}|{message_id}|{phone}", "carrier_blocked")


Pseudonym = Annotated[str, StringConstraints(pattern=r"^erased:[0-9a-f]{8}:[0-9a-f]{32}$")]
"""What an erased phone is replaced by: the id of a key, and a hash of account and phone under that key."""


class ErasureRequested(IdentifiedEvent):
    """A request to erase what is known of a recipient, up to here; what suppresses the phone stays.

    `pseudonym` takes the phone's place in the decision log. `reason` and `by` are kept there, and name nobody.
    """

    category: ClassVar[str] = "inbound"

    type: Literal["erasure_requested"] = "erasure_requested"
    account_id: AccountId
    phone: Phone
    pseudonym: Pseudonym
    reason: Annotated[StorableText, Field(min_length=1)]
    by: Annotated[StorableText, Field(min_length=1)]


class _LinkEvent(IdentifiedEvent):
    """The fields of both: the message, its list and its recipient are found by the `token`.

    The partition is that of the recipient's phone, which `shared.opt_out_links.partition_of_token` returns.
    """

    category: ClassVar[str] = "inbound"

    token: LinkToken


class LinkConfirmed(_LinkEvent):
    """A recipient has opened the opt-out link of a message and confirmed: the list that it was sent to loses them.

    With `all_lists` the recipient asked to get nothing more from the account.
    """

    type: Literal["link_confirmed"] = "link_confirmed"
    all_lists: bool = False


class LinkUndone(_LinkEvent):
    """A recipient has changed their mind: what they confirmed by a link a short while ago is lifted."""

    type: Literal["link_undone"] = "link_undone"


AnyInboundEvent = (
    MessageReceived
    | ReviewDecided
    | OptOutRequested
    | OptInRequested
    | RemovalsRequested
    | RemovalsUndone
    | CarrierBlocked
    | ErasureRequested
    | LinkConfirmed
    | LinkUndone
    | FenceMarkerAppended
)
InboundEvent = Annotated[AnyInboundEvent, Field(discriminator="type")]
inbound_event_adapter: TypeAdapter[AnyInboundEvent] = TypeAdapter(InboundEvent)
