"""The history of a run as seen from outside: by phones, carrier and gateway, in Kafka, and through the customer API.

All times are UTC and by one clock: a history is recorded where everything runs on one machine. A record's `created_at`
is its timestamp in Kafka, which the producer took before the record was appended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from harness.checker.reach import AccountPolicies
from shared.events.delivery import AnyDeliveryEvent
from shared.events.inbound import MessageReceived
from shared.events.opt_out import AnyOptOutEvent
from shared.events.outbound import MessageRequested
from shared.events.suppression import AccountSettingsPublished, SuppressionChanged

TRANSPORT_SLACK = timedelta(milliseconds=1500)
"""The longest time from the sender's last look at the clock to the carrier's own, on a machine with few cores."""
_NEVER = datetime.max.replace(tzinfo=UTC)


class Place(NamedTuple):
    """The place of a record in Kafka."""

    topic: str
    partition: int
    offset: int


class SuppressedScope(NamedTuple):
    """The subject of a suppression."""

    account_id: str
    scope: str
    phone: str


@dataclass(frozen=True, slots=True)
class AcceptedReply:
    """A reply whose gateway webhook was answered with 2xx; `answered_at` is when the gateway had the answer."""

    account_id: str
    gateway_message_id: str
    phone: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class ReplyRecord:
    """A reply in `inbound-messages`."""

    partition: int
    offset: int
    created_at: datetime
    event: MessageReceived


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request in `outbound-messages`."""

    place: Place
    request: MessageRequested


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """An event in `delivery-events`."""

    created_at: datetime
    event: AnyDeliveryEvent


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """An opt-out or opt-in in `opt-out-events`, committed."""

    created_at: datetime
    event: AnyOptOutEvent


@dataclass(frozen=True, slots=True)
class SuppressionRecord:
    """A change of a suppression in `suppressions`, committed."""

    partition: int
    offset: int
    created_at: datetime
    event: SuppressionChanged


@dataclass(frozen=True, slots=True)
class AccountSettingsRecord:
    """The settings of an account in `suppressions`, committed."""

    created_at: datetime
    event: AccountSettingsPublished


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the decision log, as the customer API shows it; `opted_out` are the scopes of an opt-out.

    `came_as` is the event id that the reply's record has, if the reply was decided under another.
    """

    account_id: str
    event_id: UUID
    phone: str
    opted_out: frozenset[str] = frozenset()
    intact: bool = True
    partition: int = 0
    offset: int = 0
    came_as: UUID | None = None


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """A call that arrived at the carrier; `status` is the carrier's answer, None if it dropped the connection.

    If it is `stamped`, `arrived_at` is by the kernel: when the carrier's socket received the bytes.
    """

    account_id: str
    message_id: str
    phone: str
    sender_number: str
    body: str
    arrived_at: datetime
    status: int | None
    stamped: bool = False

    @property
    def is_throttled(self) -> bool:
        """Whether the carrier answered that it takes nothing at this pace: the message may be called for again."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS

    @property
    def slack(self) -> timedelta:
        """The longest time that the call may have been in transit when it arrived."""
        return timedelta(0) if self.stamped else TRANSPORT_SLACK


@dataclass(frozen=True, slots=True)
class PhoneMessage:
    """A message on a phone."""

    account_id: str
    message_id: str
    phone: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which `what` certainly did not work, so that no guarantee could be given and nothing may be sent."""

    what: str
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class History:
    """The history of a run. `states` are the customer API's suppressions at the end; `unreadable` did not decode."""

    accepted: tuple[AcceptedReply, ...] = ()
    replies: tuple[ReplyRecord, ...] = ()
    requests: tuple[RequestRecord, ...] = ()
    deliveries: tuple[DeliveryRecord, ...] = ()
    changes: tuple[ChangeRecord, ...] = ()
    suppressions: tuple[SuppressionRecord, ...] = ()
    account_settings: tuple[AccountSettingsRecord, ...] = ()
    entries: tuple[LogEntry, ...] = ()
    calls: tuple[CarrierCall, ...] = ()
    phone_messages: tuple[PhoneMessage, ...] = ()
    outages: tuple[Outage, ...] = ()
    unreadable: tuple[Place, ...] = ()
    parked: tuple[Place, ...] = ()
    states: Mapping[SuppressedScope, str] = field(default_factory=lambda: MappingProxyType({}))
    policies: AccountPolicies = field(default_factory=AccountPolicies)
    read_at: datetime = _NEVER
