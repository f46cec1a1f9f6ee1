"""The fields of calls about single messages, with exactly ClickSend's names and types."""

from typing import Annotated, TypeAlias

from pydantic import Field

from services.optout.api.v3.models import Answer, Currency, Given, GivenSenders, GivenText
from shared.events.base import MAX_BODY_CHARACTERS
from shared.events.outbound import Purpose

MAX_MESSAGES = 1_000
PRICE = "0.0000"

MessageText: TypeAlias = Annotated[str, Field(max_length=MAX_BODY_CHARACTERS)]


class GivenMessage(Given):
    """A message to be sent; the last two fields are Stopline's own, for the hours at which it may leave."""

    body: MessageText | None = None
    to: GivenText | None = None
    sender: GivenText | None = Field(default=None, alias="from")
    source: GivenText | None = None
    schedule: int | None = None
    custom_string: GivenText | None = None
    list_id: GivenText | None = None
    contact_id: GivenText | None = None
    country: GivenText | None = None
    from_email: GivenText | None = None
    purpose: Purpose | None = None
    recipient_state: GivenText | None = None


class GivenMessages(Given):
    """The messages of a call, to be sent or priced."""

    senders: GivenSenders | None = None
    messages: Annotated[list[GivenMessage], Field(max_length=MAX_MESSAGES)]


class SentSms(Answer):
    """A message as it was accepted or refused: `status` says which."""

    direction: str = "out"
    date: int
    to: str
    body: str
    sender: str = Field(alias="from")
    schedule: int | None
    message_id: str
    message_parts: int
    message_price: str = PRICE
    from_email: str | None
    list_id: str | None
    custom_string: str
    contact_id: str | None
    user_id: int
    subaccount_id: int
    is_shared_system_number: bool = False
    country: str
    carrier: str = ""
    status: str


class SentMessages(Answer):
    """The messages of a call, as they were accepted or refused."""

    total_price: float = 0.0
    total_count: int
    queued_count: int
    messages: list[SentSms]
    currency: Currency = Field(default=Currency(), alias="_currency")
    blocked_count: int


class PricedSms(Answer):
    """A message as it would be sent."""

    date: str
    to: str
    body: str
    sender: str = Field(alias="from")
    schedule: str
    message_id: str = ""
    message_parts: int
    message_price: str = PRICE
    custom_string: str
    contact_id: str | None
    is_shared_system_number: bool = False
    country: str
    status: str


class PricedMessages(Answer):
    """The messages of a call, as they would be sent."""

    total_price: float = 0.0
    total_count: int
    queued_count: int
    messages: list[PricedSms]
    currency: Currency = Field(default=Currency(), alias="_currency")
    blocked_count: int


class GivenCustomString(Given):
    """The messages that are meant; without a string, all."""

    custom_string: GivenText | None = None


class Cancelled(Answer):
    count: int
