"""A reply from a phone: which message it answers, and which number and account it is sent to. Pure."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from harness.sandbox.calls import Call
from harness.sandbox.clicksend_forms import Form, inbound_form
from harness.sandbox.refusals import RequestRefusedError
from shared.events.base import AccountId

MAX_REPLY_CHARACTERS = 100_000
"""More than a webhook accepts, so that a test can exceed its limit."""
Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class ReplyRequest(BaseModel):
    """The body of `POST /phones/{phone}/replies`. Fields left out are taken from the last message on the phone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body: Annotated[str, StringConstraints(max_length=MAX_REPLY_CHARACTERS)]
    to: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    """The number to reply to; default: the sender of the answered message, or else of the last one."""
    in_reply_to: Id | None = None
    """The carrier's id of the answered message; default: the last one from that number; null: none."""
    account_id: AccountId | None = None
    message_id: Id | None = None
    """The gateway's id of the reply, given to repeat one; default: a new id."""
    timestamp: Annotated[int, Field(ge=0, le=2**40)] | None = None
    """Unix seconds; default: now, or the next second in which the phone has not written."""
    pointer: bool = True
    """Whether the gateway names the answered message."""


@dataclass(frozen=True, slots=True)
class Reply:
    account_id: str
    form: Form


def compose(request: ReplyRequest, phone: str, received: list[Call], new_id: str, now_seconds: int) -> Reply:
    """Return the reply; `received` are the messages on the phone, oldest first.

    Raises:
        RequestRefusedError: neither the request nor a message on the phone names the number and the account.
    """
    last = _last_of_conversation(request, received)
    answered = _answered(request, received, last)
    model = answered or last
    to = request.to or (model.sender_number if model else None)
    account_id = request.account_id or (model.account_id if model else None)
    if to is None:
        raise _refused("to", "the phone has received nothing: say which number it writes `to`")
    if account_id is None:
        raise _refused("account_id", f"the phone has received nothing from {to}: say whose number that is")
    form = inbound_form(
        phone=phone,
        to=to,
        body=request.body,
        message_id=request.message_id or new_id,
        timestamp=now_seconds if request.timestamp is None else request.timestamp,
        replied=answered if request.pointer else None,
    )
    return Reply(account_id, form)


def _last_of_conversation(request: ReplyRequest, received: list[Call]) -> Call | None:
    for call in reversed(received):
        if request.to in (None, call.sender_number) and request.account_id in (None, call.account_id):
            return call
    return None


def _answered(request: ReplyRequest, received: list[Call], last: Call | None) -> Call | None:
    if "in_reply_to" not in request.model_fields_set:
        return last
    if request.in_reply_to is None:
        return None
    for call in reversed(received):
        if call.carrier_message_id == request.in_reply_to:
            return call
    raise _refused("in_reply_to", f"no message {request.in_reply_to} on this phone")


def _refused(field: str, text: str) -> RequestRefusedError:
    return RequestRefusedError(422, "invalid", text, field)
