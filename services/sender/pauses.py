"""Which carriers and sender numbers have asked for a pause, and until when; no I/O, the caller gives the time."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from services.sender.carriers.carrier import Accepted, Called, Throttled
from services.sender.carriers.responses import MAX_PAUSE_SECONDS
from shared.events.outbound import MessageRequested

_LOOKED_AT_PER_SECOND = 200
"""Of the messages that wait for one pause: they do not all come back when it ends, since it may be asked for again."""
_ALL_LOOKED_AT_SECONDS = 60.0
"""After a pause all that waited for it have come back: of a million messages, the last would else wait for hours."""
_UNREACHABLE_SECONDS = 1.0
_MAX_DOUBLINGS = 10
MAX_ENDED = 10_000
"""Of pauses that have ended, and are kept so that one that follows is longer."""


@dataclass(slots=True)
class _Pause:
    until: float
    in_a_row: int = 0
    waiting: int = 0


@dataclass(slots=True)
class Pauses:
    """The pauses of a sender: one that is asked for again as soon as it ends is twice as long, up to a limit."""

    _pauses: dict[Hashable, _Pause] = field(default_factory=dict)

    def seconds_left(self, carrier: str, request: MessageRequested, now: float) -> float:
        """Return for how long the message must not be handed to the carrier; 0: it may be."""
        found = (self._pauses.get(carrier), self._pauses.get(_number_of(carrier, request)))
        return max(0.0, *(pause.until - now for pause in found if pause is not None), 0.0)

    def any_after(self, now: float) -> bool:
        """Say whether there is any pause after that time."""
        return any(pause.until > now for pause in self._pauses.values())

    def turn(self, carrier: str, request: MessageRequested, now: float, *, has_others: bool) -> float | None:
        """Return after how many seconds the message is to be looked at again, as the next of those that wait.

        None: nothing pauses, or only the carrier does, and there are no others.
        """
        pause = self._pauses.get(_number_of(carrier, request))
        if pause is None or pause.until <= now:
            pause = self._pauses.get(carrier) if has_others else None
        if pause is None or pause.until <= now:
            return None
        pause.waiting += 1
        return pause.until - now + min(pause.waiting / _LOOKED_AT_PER_SECOND, _ALL_LOOKED_AT_SECONDS)

    def note(self, result: Called, carrier: str, request: MessageRequested, now: float) -> None:
        """Note what a call's result says of the pace."""
        if isinstance(result, Accepted):
            self._pauses.pop(_number_of(carrier, request), None)
            pause = self._pauses.get(carrier)
            if pause is not None and pause.until <= now:
                del self._pauses[carrier]
        elif isinstance(result, Throttled):
            key = carrier if result.pauses == "carrier" else _number_of(carrier, request)
            self._lengthen(key, result.pause_seconds, now)
        elif result.pause_seconds:
            self._extend(carrier, now + result.pause_seconds)

    def note_unreachable(self, carrier: str, now: float) -> None:
        """Note that no connection to the carrier could be opened."""
        self._lengthen(carrier, _UNREACHABLE_SECONDS, now)

    def _lengthen(self, key: Hashable, seconds: float, now: float) -> None:
        """Start a pause; the calls that were in flight with the one that started it make it no longer."""
        pause = self._pauses.get(key)
        if pause is not None and pause.until > now:
            self._extend(key, now + seconds)
            return
        if len(self._pauses) >= MAX_ENDED:
            self._pauses = {each: kept for each, kept in self._pauses.items() if kept.until > now}
        in_a_row = 0 if pause is None else min(pause.in_a_row + 1, _MAX_DOUBLINGS)
        longer = max(seconds, min(seconds * 2**in_a_row, MAX_PAUSE_SECONDS))
        self._pauses[key] = _Pause(now + longer, in_a_row)

    def _extend(self, key: Hashable, until: float) -> None:
        pause = self._pauses.setdefault(key, _Pause(until))
        pause.until = max(pause.until, until)


def _number_of(carrier: str, request: MessageRequested) -> Hashable:
    return carrier, request.account_id, request.sender_number
