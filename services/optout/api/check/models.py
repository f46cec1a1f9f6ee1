"""The bodies of `POST /v1/check`: request and response."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.optout.api.check.ask import Checked
from services.optout.api.check.decide import Code, Decision
from services.optout.api.check.hours import HoursOfMessage, hours_of
from services.optout.api.fields import GivenPhone, KnownState, KnownZone, RequestBody
from shared.events.base import ListId, Time
from shared.events.outbound import Purpose
from shared.fair_hours.ask import AccountHours
from shared.phones import SenderNumber

MAX_MESSAGES = 1000


class AskedMessage(RequestBody):
    """A message that the caller is about to send; what it does not name counts as any.

    The last three fields are for the account's sending hours.
    """

    phone: GivenPhone
    list_id: ListId | None = None
    sender_number: SenderNumber | None = None
    purpose: Purpose | None = None
    recipient_state: KnownState | None = None
    recipient_zone: KnownZone | None = None

    @model_validator(mode="after")
    def _names_a_sender(self) -> Self:
        if self.list_id is None and self.sender_number is None:
            raise ValueError("name the list_id or the sender_number of the message, or both")
        return self


class AskedMessages(RequestBody):
    messages: Annotated[list[AskedMessage], Field(min_length=1, max_length=MAX_MESSAGES)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reason(_Frozen):
    """The reason why a message must not be sent.

    `scope` to `changed_at` are of the suppression; the last two are null for the moment in which it is just lifted.
    """

    code: Code
    scope: str | None = None
    state: Literal["opted_out", "held"] | None = None
    cause_event_id: UUID | None = None
    changed_at: Time | None = None


class CheckedMessage(_Frozen):
    """The decision about one message; `phone` is the number that it was decided by, in E.164.

    `hours` are null for a message that keeps none. A message may be `allowed` and still have to wait for its hours.
    """

    phone: str | None
    list_id: int | None
    sender_number: str | None
    allowed: bool
    reason: Reason | None
    token: str | None
    hours: HoursOfMessage | None = None


class CheckResponse(_Frozen):
    """The decisions, in the order of the messages; they hold until `fresh_until`, and not a moment longer."""

    decided_at: Time
    fresh_until: Time
    decisions: list[CheckedMessage]


def response_of(asked: AskedMessages, checked: Checked, hours: AccountHours) -> CheckResponse:
    decisions = [
        _checked(message, decision, checked, hours if hours.keeps(message.purpose) else None)
        for message, decision in zip(asked.messages, checked.decisions, strict=True)
    ]
    return CheckResponse(decided_at=checked.decided_at, fresh_until=checked.fresh_until, decisions=decisions)


def _checked(message: AskedMessage, decision: Decision, checked: Checked, hours: AccountHours | None) -> CheckedMessage:
    reading = decision.reading
    where = message.recipient_state, message.recipient_zone
    return CheckedMessage(
        phone=None if reading is None else reading.phone,
        list_id=message.list_id,
        sender_number=message.sender_number,
        allowed=decision.code is None,
        reason=_reason(decision),
        token=None if reading is None else str(checked.token(reading.partition)),
        hours=None if reading is None or hours is None else hours_of(hours, reading.phone, *where, checked.decided_at),
    )


def _reason(decision: Decision) -> Reason | None:
    if decision.code is None:
        return None
    if decision.logged is not None:
        found = decision.logged
        return Reason(
            code=decision.code,
            scope=found.scope,
            state=found.state,
            cause_event_id=found.cause_event_id,
            changed_at=found.changed_at,
        )
    return Reason(code=decision.code, **(decision.hit._asdict() if decision.hit is not None else {}))
