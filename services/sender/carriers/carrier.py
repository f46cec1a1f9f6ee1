"""The interface of a carrier, the possible results of a call, and what an adapter of one company writes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from pydantic_settings import SettingsConfigDict

from shared.events.outbound import MessageRequested
from shared.secret_files import WithSecretFiles


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier has the message."""

    carrier_message_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier will never take this message; it asks for a pause where `pause_seconds` is not 0."""

    reason: str
    pause_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Blocked:
    """A refusal of the carrier's because the recipient has opted out with it: of this sender number or its pool.

    `pool_id` is the carrier's own id of what the opt-out covers, where the response names it.
    """

    code: str
    reason: str
    pool_id: str | None = None

    pause_seconds: ClassVar[float] = 0


@dataclass(frozen=True, slots=True)
class Throttled:
    """A refusal because of the pace alone: by its own documentation the carrier has not taken the message.

    So the message may be decided and called again. `pauses` is what has to wait: everything that goes through the
    carrier, or what goes out from the message's sender number.
    """

    reason: str
    pause_seconds: float
    pauses: Literal["carrier", "number"] = "carrier"


@dataclass(frozen=True, slots=True)
class Unknown:
    """The carrier may have the message or not: it is never called again for it."""

    detail: str
    pause_seconds: float = 0


@dataclass(frozen=True, slots=True)
class NotCalled:
    """A call of which not a byte was written: the message may be decided again.

    `is_unreachable`: no connection to the carrier could be opened, so that others will not be called either.
    """

    detail: str
    is_unreachable: bool = False


Called = Accepted | Refused | Blocked | Throttled | Unknown
"""The result of a call of which a byte may have left."""
CallResult = Called | NotCalled


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A POST request that sends one message."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class CarrierResponse:
    """A response to it; names of headers are not case-sensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CarrierSettings(WithSecretFiles):
    """The settings of one carrier: what every carrier has in `CARRIERS`, whatever protocol it speaks."""

    model_config = SettingsConfigDict(env_prefix="STOPLINE_", frozen=True)

    answers_stop_itself: ClassVar[bool] = False
    """Whether the carrier confirms an opt-out by a message of its own, unless that is switched off there (G6)."""


class CarrierAdapter(CarrierSettings, ABC):
    """The adapter of one carrier with an HTTP API: its fields are its settings, its methods its wire format; no I/O.

    `services.sender.carriers.client` makes the calls, so that none leaves on an old decision whoever wrote the adapter.
    """

    @abstractmethod
    def call_of(self, request: MessageRequested) -> HttpCall:
        """Return the HTTP call that sends the message; the carrier's receipts must name the message id."""

    @abstractmethod
    def result_of(self, response: CarrierResponse) -> CallResult:
        """Return what a response says: never `NotCalled`, because the request was written."""


class Carrier(Protocol):
    """A carrier's API; both methods are called on one event loop."""

    async def send(self, request: MessageRequested, write_by: float) -> CallResult:
        """Call once; after `write_by`, on the clock of `shared.suppressions.fence_pass.boottime`, write nothing."""

    async def close(self) -> None: ...
