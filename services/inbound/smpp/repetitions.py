"""Messages that an SMSC may deliver once more: SMPP gives them neither an id nor a time. No I/O.

An SMSC repeats what was not answered, or whose answer was lost with its connection. Such a message may have been
written before others that came since. So it counts as one with a time that cannot be used: a STOP holds, and a START
that may be the earlier one does not lift a STOP that came in between.
"""

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta

_ANSWERS_ON_THE_WAY = timedelta(seconds=60)
"""An answer that is younger than this when the connection ends may not have arrived."""
_REPEATED_WITHIN = timedelta(hours=1)
"""After the end of a connection whose answers may not have arrived."""
_REPEATED_AS_ASKED_WITHIN = timedelta(hours=72)
"""After we asked for it: an SMSC tries again in steps of hours, for as long as it keeps a message."""
MAX_KEPT = 10_000
"""Of one bind; the oldest go."""


class Repetitions:
    """The deliveries of one bind that are in doubt; each is one repetition."""

    def __init__(self) -> None:
        self._answered: OrderedDict[bytes, datetime] = OrderedDict()
        self._in_doubt: OrderedDict[bytes, datetime] = OrderedDict()
        """Until when each may come again."""

    def is_repetition(self, body: bytes, now: datetime) -> bool:
        """Say whether the delivery may be an earlier one; asking once uses that up."""
        until = self._in_doubt.pop(_digest(body), None)
        return until is not None and now < until

    def answered(self, body: bytes, now: datetime) -> None:
        """Note a delivery that was answered: whether the answer arrives is not known."""
        _note(self._answered, _digest(body), now)

    def failed(self, body: bytes, now: datetime) -> None:
        """Note a delivery that the SMSC was asked to repeat, or that has no answer."""
        _note(self._in_doubt, _digest(body), now + _REPEATED_AS_ASKED_WITHIN)

    def ended(self, now: datetime) -> None:
        """Note that the connection has ended."""
        for digest, noted_at in self._answered.items():
            if now - noted_at < _ANSWERS_ON_THE_WAY:
                _note(self._in_doubt, digest, now + _REPEATED_WITHIN)
        self._answered.clear()


def _note(kept: "OrderedDict[bytes, datetime]", digest: bytes, at: datetime) -> None:
    kept[digest] = at
    kept.move_to_end(digest)
    if len(kept) > MAX_KEPT:
        kept.popitem(last=False)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
