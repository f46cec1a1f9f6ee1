"""Asks the opt-out service for a checkpoint, where a record of `suppressions` could not be read."""

import logging
from collections.abc import Iterable

from shared.errors import TransientError
from shared.kafka import within
from shared.suppressions.markers import Markers

log = logging.getLogger(__name__)

_ASK_AGAIN_SECONDS = 1.0
_APPEND_SECONDS = 2.0


class Asking:
    """A request for checkpoints: asks with a marker on the inbound partition, as often as once a second.

    Args:
        markers: appends them.
        now: of a monotonic clock.
    """

    def __init__(self, markers: Markers, now: float) -> None:
        self._markers = markers
        self._asked_at = now - _ASK_AGAIN_SECONDS

    async def ask(self, partitions: Iterable[int], now: float) -> None:
        """Ask for a checkpoint of these partitions, if none was asked for just now."""
        if now - self._asked_at < _ASK_AGAIN_SECONDS:
            return
        for partition in partitions:
            self._asked_at = now
            appended = self._markers.append(partition, checkpoint_wanted=True)
            try:
                await within(_APPEND_SECONDS, appended, "asking for a checkpoint")
            except TransientError as error:
                log.warning("no checkpoint is asked for yet: %s", error)
                return
