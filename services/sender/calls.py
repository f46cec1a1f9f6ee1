"""Calls to carriers, and their results: a limited number at once, none during a pause, none on an old decision (G1).

A call that may have left is in `Chunk.results` from before its first byte: whatever ends it, the message is not called
for again (G3).
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.sender import metrics
from services.sender.carriers.carrier import (
    Accepted,
    Blocked,
    Called,
    CallResult,
    NotCalled,
    Refused,
    Throttled,
    Unknown,
)
from services.sender.carriers.choose import Carriers
from services.sender.confirm import latest_write
from services.sender.ledger.model import LedgerState, MessageKey, RowUpdate, key_of
from services.sender.links import WITHOUT_LINKS, LinkWriter
from services.sender.pauses import Pauses
from services.sender.traces import traced_call
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.suppressions.fence_pass import FencePass, boottime

CHUNK_MESSAGES = 50
_CHUNKS_AHEAD = 2


@dataclass(slots=True)
class Chunk:
    """A group of messages that are sent together; `results` has those for which the carrier may have been called."""

    requests: list[MessageRequested]
    fence_pass: FencePass
    results: dict[MessageKey, Called] = field(default_factory=dict)

    def updates(self) -> list[RowUpdate]:
        results = [(key_of(request), self.results.get(key_of(request))) for request in self.requests]
        return [RowUpdate(key, *state_of(result), isinstance(result, Throttled)) for key, result in results]

    def may_have_taken(self) -> set[MessageKey]:
        """Return the keys of the messages that the carrier has, or may have."""
        return {key for key, result in self.results.items() if not isinstance(result, Throttled)}

    def without_outcome(self) -> list[MessageRequested]:
        """Return the messages that were not called, or were not taken because of the pace."""
        return [each for each in self.requests if state_of(self.results.get(key_of(each)))[0] == "pending"]


def state_of(result: Called | None) -> tuple[LedgerState, str | None]:
    """Return what a message's row becomes; None: it was not called."""
    match result:
        case Throttled(reason=reason):
            return "pending", reason
        case Accepted(carrier_message_id=carrier_message_id):
            return "sent", carrier_message_id
        case Refused(reason=reason):
            return "failed", reason
        case Blocked(code=code, reason=reason):
            return "failed", f"{code} {reason}".strip()
        case Unknown(detail=detail):
            return "unknown", detail
        case None:
            return "pending", None


@dataclass(frozen=True, slots=True)
class CarrierSlots:
    """The limits on what is in progress with one carrier at once: one that hangs takes nothing from the others."""

    calls: asyncio.Semaphore
    chunks: asyncio.Semaphore


class MessageCalls:
    """The calls of a sender to its carriers.

    Args:
        carriers: the clients in use.
        calls_in_flight: the most at once to one carrier.
        links: puts opt-out links into messages as they leave.
    """

    def __init__(self, carriers: Carriers, calls_in_flight: int, links: LinkWriter = WITHOUT_LINKS) -> None:
        self.carriers = carriers
        self.links = links
        self.slots: dict[str, CarrierSlots] = defaultdict(
            lambda: CarrierSlots(
                asyncio.Semaphore(calls_in_flight),
                asyncio.Semaphore(calls_in_flight // CHUNK_MESSAGES + _CHUNKS_AHEAD),
            )
        )
        self._pauses = Pauses()
        self.stopping = False
        """Set to let calls under way come to their end and begin no more."""

    @property
    def _has_others(self) -> bool:
        """Whether messages could leave through others while one carrier takes none."""
        return len(self.carriers.clients) > 1

    def carrier_of(self, request: MessageRequested) -> str:
        """Return the name of the client that the message goes out through."""
        return self.carriers.name_of(request.account_id)

    def pausing(self, requests: Sequence[MessageRequested]) -> dict[MessageKey, float]:
        """Return the messages that must not be called now and are to wait elsewhere, and for how many seconds.

        A pause of the only carrier is not among them: nothing else could leave meanwhile, and Kafka keeps the rest.
        """
        if not self._pauses.any_after(now := boottime()):
            return {}
        found = (
            (key_of(each), self._pauses.turn(self.carrier_of(each), each, now, has_others=self._has_others))
            for each in requests
        )
        return {key: seconds for key, seconds in found if seconds is not None}

    def callable_now(self, requests: Sequence[MessageRequested]) -> list[MessageRequested]:
        """Return the messages whose carrier may be called now."""
        return [] if self.stopping else [request for request in requests if self._pause_seconds(request) <= 0]

    def expect_callable(self, requests: Sequence[MessageRequested]) -> None:
        """Make sure that one of the messages may be called now.

        Raises:
            TransientError: none may: all carriers concerned have asked for a pause, or this process stops.
        """
        if self.stopping:
            raise TransientError("the sender stops")
        if not self.callable_now(requests):
            left = min(map(self._pause_seconds, requests))
            raise TransientError(f"the carrier asked for a pause, {left:.1f} s are left")

    def _pause_seconds(self, request: MessageRequested) -> float:
        """Return for how long the message's carrier must not be called for it; 0: it may be."""
        return self._pauses.seconds_left(self.carrier_of(request), request, boottime())

    async def call(self, request: MessageRequested, chunk: Chunk) -> None:
        """Call the carrier for a message of the chunk and note the result; not if the decision is too old by now."""
        carrier = self.carrier_of(request)
        async with self.slots[carrier].calls:
            if chunk.fence_pass.has_expired(boottime()):
                metrics.REDECIDED.inc()
                return
            if not self.callable_now([request]):
                return
            write_by = min(chunk.fence_pass.write_by, latest_write(request))
            # Counts only if this is cancelled, or fails by a bug, during the call.
            chunk.results[key_of(request)] = Unknown("the sender stopped during the call")
            leaving = self.links.written(request, self.links.token_of(request))
            with metrics.CALLS_IN_FLIGHT.track_inprogress(), traced_call(key_of(request), carrier):
                result = await self.carriers.clients[carrier].send(leaving, write_by)
        self.note(result, request, chunk)

    def note(self, result: CallResult, request: MessageRequested, chunk: Chunk) -> None:
        """Note what a call returned, and what it says of the carrier's pace."""
        carrier = self.carrier_of(request)
        if isinstance(result, NotCalled):
            metrics.NOT_CALLED.inc()
            del chunk.results[key_of(request)]
            if result.is_unreachable and self._has_others:
                self._pauses.note_unreachable(carrier, boottime())
            return
        chunk.results[key_of(request)] = result
        if isinstance(result, Throttled):
            metrics.THROTTLED.labels(carrier).inc()
        self._pauses.note(result, carrier, request, boottime())
