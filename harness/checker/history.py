"""What a run left behind, as seen from outside: phones, carrier, webhooks' answers, Kafka, the customer API.

All times are UTC and of one machine's clock: a history is recorded where everything runs on one machine. A record's
`created_at` is its timestamp in Kafka, taken by the producer before the record was appended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from shared.events.delivery import AnyDeliveryEvent
from shared.events.inbound import MessageReceived
from shared.events.opt_out import AnyOptOutEvent
from shared.events.outbound import MessageRequested
from shared.events.suppression import SuppressionChanged

TRANSPORT_SLACK = timedelta(milliseconds=1500)
"""Between the sender's last look at the clock and the carrier's own: the connection, and a machine with few cores."""
_NEVER = datetime.max.replace(tzinfo=UTC)


class Place(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


class ScopeKey(NamedTuple):
    """What a suppression is about."""

    account_id: str
    scope: str
    phone: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A webhook that was answered with 2xx; `answered_at` is when its sender had the answer."""

    account_id: str
    gateway_message_id: str
    phone: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Inbound:
    """A record of `inbound-messages` that is not a marker."""

    partition: int
    offset: int
    created_at: datetime
    event: MessageReceived


@dataclass(frozen=True, slots=True)
class Requested:
    """A record of `outbound-messages`."""

    place: Place
    request: MessageRequested


@dataclass(frozen=True, slots=True)
class Told:
    """A record of `delivery-events`."""

    created_at: datetime
    event: AnyDeliveryEvent


@dataclass(frozen=True, slots=True)
class Changed:
    """A committed record of `opt-out-events`."""

    created_at: datetime
    event: AnyOptOutEvent


@dataclass(frozen=True, slots=True)
class Published:
    """A committed record of `suppressions`, markers left out."""

    partition: int
    offset: int
    created_at: datetime
    event: SuppressionChanged


@dataclass(frozen=True, slots=True)
class Decided:
    """An entry of the record, as the customer API shows it; `opted_out` are the scopes it says a STOP was about."""

    account_id: str
    event_id: UUID
    phone: str
    opted_out: frozenset[str] = frozenset()
    intact: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A call that arrived at the carrier; `status` is what it answered, None where it dropped the connection.

    Where it is `stamped`, `arrived_at` is the kernel's time, of when the carrier's socket got its bytes.
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
    def slack(self) -> timedelta:
        """How long the call may have been under way, at the most, when it arrived."""
        return timedelta(0) if self.stamped else TRANSPORT_SLACK


@dataclass(frozen=True, slots=True)
class Received:
    """A message on a phone."""

    account_id: str
    message_id: str
    phone: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which `what` was certainly not working, so that no guarantee could be given and nothing may go out."""

    what: str
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class History:
    """All of a run. `states` is what the customer API says at the end; `unreadable` are records that do not decode."""

    answered: tuple[Answered, ...] = ()
    inbound: tuple[Inbound, ...] = ()
    requested: tuple[Requested, ...] = ()
    told: tuple[Told, ...] = ()
    changed: tuple[Changed, ...] = ()
    published: tuple[Published, ...] = ()
    decided: tuple[Decided, ...] = ()
    calls: tuple[Call, ...] = ()
    received: tuple[Received, ...] = ()
    outages: tuple[Outage, ...] = ()
    unreadable: tuple[Place, ...] = ()
    parked: tuple[Place, ...] = ()
    states: Mapping[ScopeKey, str] = field(default_factory=lambda: MappingProxyType({}))
    read_at: datetime = _NEVER
