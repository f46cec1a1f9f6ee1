"""Forwards replies to the partitions of the numbers that they belong to, and clicks to those of their recipients.

Two kinds of replies come here: those of an inbound service that did not yet make numbers canonical, and those whose
number may also be one of the account's country, which only this service knows. In both the number as it is written
fits the partition. So did what a process has placed that slept while partitions were added; other records are parked
before. They are published before the batch that they came
in is recorded, so that none is lost; one that is published twice is the same event.
"""

from dataclasses import replace

from aiokafka.errors import KafkaError

from services.optout.clicks import LinkEvent, LinkOptIn
from services.optout.decide import DecidableEvent
from services.optout.decision_log.log import EventAtOffset
from services.optout.decision_log.who_wrote import load_further_readings, may_be_national
from services.optout.pipeline.context import SOURCE
from services.optout.pipeline.parse import Parsed
from services.optout.removals import request_of
from services.optout.settings import OptOutSettings
from shared.errors import TransientError
from shared.events.codec import cloud_event_headers, encode
from shared.kafka import SEND_SECONDS, within
from shared.partitions import partition_of
from shared.phones import settled_phone
from shared.postgres import Pool, connection_from
from shared.producer import Producer
from shared.topics import INBOUND_MESSAGES


class Forwarder:
    """A publisher with a producer of its own, which connects on first use."""

    def __init__(self, settings: OptOutSettings, pool: Pool) -> None:
        self._partitions = settings.partitions
        self._pool = pool
        self._producer = Producer(settings.kafka)

    async def forward(self, parsed: Parsed) -> Parsed:
        """Return what is to be decided here, once the rest is where it belongs.

        Raises:
            TransientError: Kafka or Postgres is unavailable.
        """
        parsed = _with_settled_removals(parsed)
        here: list[EventAtOffset] = []
        elsewhere: list[DecidableEvent] = []
        for received in parsed.received:
            phone = settled_phone(received.event.phone)
            # Elsewhere an undo would be any opt-in: what it undoes is not in its record.
            if phone == received.event.phone or isinstance(received.event, LinkOptIn):
                here.append(received)
            else:
                elsewhere.append(received.event.model_copy(update={"phone": phone}))
        national = [received.event for received in here if may_be_national(received.event)]
        if national:
            async with connection_from(self._pool) as connection:
                elsewhere += await load_further_readings(connection, national)
        for event in elsewhere:
            await self._publish(event, event.phone.encode(), partition_of(event.phone, self._partitions))
        for partition, late in parsed.elsewhere:
            key = late.token if isinstance(late, LinkEvent) else late.phone
            await self._publish(late, key.encode(), partition)
        return replace(parsed, received=here) if elsewhere else parsed

    async def close(self) -> None:
        await self._producer.close()

    async def _publish(self, event: DecidableEvent | LinkEvent, key: bytes, partition: int) -> None:
        sent = self._producer.send_and_wait(
            INBOUND_MESSAGES, encode(event), key, partition=partition, headers=cloud_event_headers(event, SOURCE)
        )
        try:
            await within(SEND_SECONDS, sent, "forwarding a reply")
        except (KafkaError, OSError) as error:
            raise TransientError(f"forwarding a reply: {error!r}") from error


def _with_settled_removals(parsed: Parsed) -> Parsed:
    """Return single requests in place of a record for many of whom one has an old spelling."""
    event = parsed.removals
    if event is None or all(settled_phone(phone) == phone for phone in event.phones):
        return parsed
    singly = [EventAtOffset(parsed.first_offset, request_of(event, phone)) for phone in event.phones]
    return replace(parsed, received=singly, removals=None)
