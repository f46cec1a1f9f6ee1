"""Asks the opt-out service for a checkpoint, where a record of `suppressions` could not be read."""

import logging
from collections.abc import Iterable
from uuid import uuid4

from services.sender.events import SOURCE
from services.sender.fence import Appending
from shared.errors import TransientError
from shared.events.codec import cloud_event_headers, encode
from shared.events.inbound import FenceMarkerAppended
from shared.kafka import within
from shared.topics import INBOUND_MESSAGES

log = logging.getLogger(__name__)

_ASK_AGAIN_SECONDS = 1.0
_APPEND_SECONDS = 2.0


class Asking:
    """A request for checkpoints: asks with a marker on the inbound partition, as often as once a second.

    Args:
        producer: idempotent, `acks=all`.
        now: of a monotonic clock.
    """

    def __init__(self, producer: Appending, now: float) -> None:
        self._producer = producer
        self._asked_at = now - _ASK_AGAIN_SECONDS

    async def ask(self, partitions: Iterable[int], now: float) -> None:
        """Ask for a checkpoint of these partitions, if none was asked for just now."""
        if now - self._asked_at < _ASK_AGAIN_SECONDS:
            return
        for partition in partitions:
            self._asked_at = now
            marker = FenceMarkerAppended(marker_id=uuid4(), checkpoint_wanted=True)
            headers = cloud_event_headers(marker, SOURCE)
            sent = self._producer.send_and_wait(INBOUND_MESSAGES, encode(marker), partition=partition, headers=headers)
            try:
                await within(_APPEND_SECONDS, sent, "asking for a checkpoint")
            except TransientError as error:
                log.warning("no checkpoint is asked for yet: %s", error)
                return
