"""Topic `opt-out-events`: who left which list, or came back, and why."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from shared.events.base import AccountId, IdentifiedEvent, ListId, ShortText
from shared.phones import Phone, SenderNumber
from shared.scopes import Scope

AttributionMethod = Literal[
    "replied_message", "last_message", "possible_lists", "account", "opt_outs_of_sender", "named"
]


class _PreferenceChanged(IdentifiedEvent):
    """The fields common to both directions.

    `cause_event_id` is the inbound event, `rule` and `rule_version` what matched it.
    """

    category: ClassVar[str] = "optout"

    account_id: AccountId
    phone: Phone
    scope: Scope
    list_id: ListId | None
    sender_number: SenderNumber | None
    cause_event_id: UUID
    rule: ShortText
    rule_version: int
    attribution: AttributionMethod


class OptOutHeld(_PreferenceChanged):
    """A reply looks like an opt-out; `reason` says why. Nothing is sent until a person has looked."""

    type: Literal["opt_out_held"] = "opt_out_held"
    reason: ShortText


class HeldReleased(_PreferenceChanged):
    """A person, `by`, has looked at what was held, and it was not an opt-out."""

    type: Literal["held_released"] = "held_released"
    by: ShortText


class OptedOut(_PreferenceChanged):
    """A scope in which the recipient gets nothing more.

    `source` is null for a reply and a review, else what asked for it: `api`, `import`, `phone_call`, `mail`, `by_hand`,
    `link`; `carrier`, which itself refuses to send from the scope's number; or `clean_up`, by which a list drops those
    who left another one: that is not an opt-out of their own.
    """

    type: Literal["opted_out"] = "opted_out"
    source: ShortText | None = None


class OptedIn(_PreferenceChanged):
    """A scope in which the recipient gets messages again.

    `source` is null for a reply, else what asked for it: `api`, `phone_call`, `mail`, `by_hand`, `web_form`, `link` (a
    recipient undid what they had confirmed there), `undo` of a clean-up, or `narrowed`: the recipient has answered
    that an opt-out from the account was meant for one list, which stays opted out.
    """

    type: Literal["opted_in"] = "opted_in"
    source: ShortText | None = None


AnyOptOutEvent = OptedOut | OptedIn | OptOutHeld | HeldReleased
OptOutEvent = Annotated[AnyOptOutEvent, Field(discriminator="type")]
opt_out_event_adapter: TypeAdapter[AnyOptOutEvent] = TypeAdapter(OptOutEvent)
