"""The heartbeat: says in Kafka, several times a minute, that this instance can take webhooks, and since when.

What was not acknowledged in time may get to Kafka yet, long after: the producer keeps it, as it keeps webhooks
that were answered 503. So a heartbeat says no more than what Kafka acknowledged before it was made, and those of one
outage have one key, of which the last counts: otherwise they would hide the outage once it is over.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.inbound.publish import Publisher
from services.inbound.records import SOURCE, PlacedRecord
from shared.errors import TransientError
from shared.events.codec import cloud_event_headers, encode
from shared.events.reception import ReceptionConfirmed
from shared.producer import OutgoingRecord
from shared.topics import INBOUND_STATUS

log = logging.getLogger(__name__)
_BEATS_PER_GAP = 8


def utc_now() -> datetime:
    return datetime.now(UTC)


class Heartbeat:
    """The heartbeat of one process.

    Args:
        publisher: that of webhooks, so that it is confirmed by what webhooks need.
        gap_seconds: a longer silence is downtime.
        now: the time.
    """

    def __init__(self, publisher: Publisher, gap_seconds: float, now: Callable[[], datetime] = utc_now) -> None:
        self._publisher = publisher
        self._gap = timedelta(seconds=gap_seconds)
        self._now = now
        self._instance_id = _new_instance_id()
        self._since: datetime | None = None
        self._confirmed_at: datetime | None = None  # None: nothing of this instance is acknowledged
        self._missed = publisher.missed

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(self._gap.total_seconds() / _BEATS_PER_GAP)

    async def beat(self) -> None:
        """Append one heartbeat; after a silence that was downtime it says that the service receives from now on.

        It does so as another instance: the last heartbeat before the silence stays in the topic, and shows it.
        """
        now = self._now()
        if self._confirmed_at is not None and now - self._confirmed_at > self._gap:
            self._instance_id, self._confirmed_at = _new_instance_id(), None
        if self._since is None or self._confirmed_at is None:
            self._since = now
        event = ReceptionConfirmed(
            instance_id=self._instance_id, since=self._since, confirmed_at=self._confirmed_at or now
        )
        record = OutgoingRecord(event.key(), encode(event), cloud_event_headers(event, SOURCE))
        try:
            await self._publisher.publish(PlacedRecord(INBOUND_STATUS, 0, record))
        except TransientError as error:
            log.warning("no heartbeat: %s", error)
            self._missed = self._publisher.missed
            return
        if self._have_webhooks_missed_kafka():
            log.warning("no heartbeat: Kafka has not acknowledged what webhooks brought")
            return
        self._confirmed_at = now

    def _have_webhooks_missed_kafka(self) -> bool:
        """Return whether any have since the last heartbeat: of some partitions, where this topic's is available."""
        before, self._missed = self._missed, self._publisher.missed
        return self._missed != before


def _new_instance_id() -> str:
    return f"{socket.gethostname()[:64]}-{secrets.token_hex(4)}"
