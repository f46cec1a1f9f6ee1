"""The interface of a carrier, and the four possible results of a call."""

from dataclasses import dataclass
from typing import Protocol

from shared.events.outbound import MessageRequested


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
class Unknown:
    """The carrier may have the message or not: it is never called again for it."""

    detail: str
    pause_seconds: float = 0


@dataclass(frozen=True, slots=True)
class NotCalled:
    """A call of which not a byte was written: the message may be decided again."""

    detail: str


CallResult = Accepted | Refused | Unknown | NotCalled


class Carrier(Protocol):
    """A carrier's API; both methods are called on one event loop."""

    async def send(self, request: MessageRequested, begin_by: float) -> CallResult:
        """Call once; after `begin_by`, on the clock of `services.sender.fence_pass.boottime`, write nothing."""

    async def close(self) -> None: ...
