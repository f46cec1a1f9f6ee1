"""How far the lists of accounts have been read: in Kafka, so that the next process goes on where this one ended.

It is in the compacted topic `inbound-status`, which senders read too: the messages of an account wait after downtime
until it is caught up with. Nothing else has to be kept, and no database is needed for it.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from services.inbound.poll.append import append
from services.inbound.poll.catch_up import utc_now
from services.inbound.records import SOURCE, PlacedRecord
from shared.events.codec import cloud_event_headers, encode
from shared.events.reception import CatchUpCompleted, catch_up_key
from shared.kafka_connection import Kafka
from shared.producer import OutgoingRecord, Producer
from shared.reception.follow import ReceptionFollower
from shared.reception.state import ReceptionLimits, ReceptionState
from shared.topics import INBOUND_STATUS

log = logging.getLogger(__name__)
_NONE = timedelta(0)


class KafkaProgress:
    """The progress of the one process that catches up.

    Args:
        kafka: where it is read when the process starts.
        producer: appends it.
        now: the time.
    """

    def __init__(self, kafka: Kafka, producer: Producer, now: Callable[[], datetime] = utc_now) -> None:
        self._state = ReceptionState(ReceptionLimits(_NONE, _NONE, _NONE, _NONE))
        self._kafka = kafka
        self._producer = producer
        self._now = now

    async def start(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Read the progress, and withdraw that of accounts and gateways that are not `wanted` any more.

        Raises:
            TransientError: Kafka is unavailable.
        """
        await ReceptionFollower(self._kafka, self._state).read()
        gone = sorted(set(self._state.pairs()) - set(wanted))
        for account_id, gateway in gone:
            log.warning("account %s is not caught up with at %s any more: it has no credential", account_id, gateway)
        await append(self._producer, [_placed(OutgoingRecord(catch_up_key(*pair), None, [])) for pair in gone])

    def complete_to(self, account_id: str, gateway: str) -> datetime | None:
        return self._state.complete_to(account_id, gateway)

    async def note(self, account_id: str, gateway: str, complete_to: datetime) -> None:
        now = self._now()
        event = CatchUpCompleted(account_id=account_id, gateway=gateway, complete_to=complete_to, completed_at=now)
        await append(
            self._producer, [_placed(OutgoingRecord(event.key(), encode(event), cloud_event_headers(event, SOURCE)))]
        )
        self._state.apply(event, now)


def _placed(record: OutgoingRecord) -> PlacedRecord:
    return PlacedRecord(INBOUND_STATUS, 0, record)
