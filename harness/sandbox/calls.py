"""The sender's calls: the request, and what is remembered of each."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from harness.sandbox.clock import shown
from harness.sandbox.faults import FaultEffect
from shared.events.base import AccountId, Body, MessageId
from shared.phones import Phone


class SendRequest(BaseModel):
    """The body of `POST /v1/messages`."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    message_id: MessageId
    account_id: AccountId
    to: Phone
    sender_number: Annotated[str, StringConstraints(min_length=1, max_length=40), Field(alias="from")]
    body: Annotated[Body, Field(min_length=1)]
    custom_string: Annotated[str, StringConstraints(max_length=512)] = ""
    """A text of the sender's, returned in replies and receipts."""


@dataclass(slots=True)
class Call:
    """A call that arrived; `status` and `answered_at` are set when it is answered. If delivered, it is a message."""

    carrier_message_id: str
    message_id: str
    account_id: str
    phone: str
    sender_number: str
    body: str
    custom_string: str
    received_at: int
    delivered: bool
    is_blocked: bool = False
    status: int | None = None
    answered_at: int | None = None
    dropped: bool = False

    def answer(self, status: int | None, now: int) -> None:
        self.status, self.answered_at, self.dropped = status, now, status is None

    @property
    def outcome(self) -> str:
        if self.dropped:
            return "dropped"
        return "answering" if self.status is None else "answered"

    def as_message(self) -> dict[str, Any]:
        """Return the message as the phone shows it."""
        return {
            "carrier_message_id": self.carrier_message_id,
            "message_id": self.message_id,
            "account_id": self.account_id,
            "from": self.sender_number,
            "body": self.body,
            "received_at": shown(self.received_at),
        }

    def as_call(self) -> dict[str, Any]:
        """Return everything about the call, for `GET /calls`."""
        return {
            **self.as_message(),
            "to": self.phone,
            "custom_string": self.custom_string,
            "delivered": self.delivered,
            "outcome": self.outcome,
            "status": self.status,
            "answered_at": shown(self.answered_at),
        }


def new_call(request: SendRequest, effect: FaultEffect, now: int) -> Call:
    return Call(
        str(uuid4()).upper(),
        request.message_id,
        request.account_id,
        request.to,
        request.sender_number,
        request.body,
        request.custom_string,
        now,
        effect.reaches_phone,
        effect.is_blocked,
    )
