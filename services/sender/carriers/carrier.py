"""What a carrier is to the sender, and the four ways in which a call can end."""

from dataclasses import dataclass
from typing import Protocol

from shared.events.outbound import MessageRequested


@dataclass(frozen=True, slots=True)
class Accepted:
    carrier_message_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier will never take this message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The carrier may have the message or not: it is never called again for it."""

    detail: str


@dataclass(frozen=True, slots=True)
class NotCalled:
    """Nothing of the request was sent, or the carrier said that it did nothing: it may be tried again."""

    detail: str


Answer = Accepted | Refused | Unknown | NotCalled


class Carrier(Protocol):
    """Both methods are called on one event loop."""

    async def send(self, request: MessageRequested, connect_seconds: float) -> Answer:
        """Call once. If no connection is made within `connect_seconds`, the answer is `NotCalled`."""

    async def close(self) -> None: ...
