"""Forwards replies to the partitions of the numbers that they belong to, and clicks to those of their recipients.

Three kinds of records are forwarded, each of which fitted its partition when it was placed there: replies of an inbound
service that did not yet make numbers canonical; replies whose number may also be one of the account's country, which
only this service knows; and what a process placed that slept while partitions were added (`Parsed.elsewhere`). All
other records that do not fit were parked when they were parsed.

They are published before the batch that they came in is recorded, so that none is lost; one that is published twice is
the same event.
"""

from collections.abc import Sequence
from dataclasses import replace

from aiokafka.errors import KafkaError

from services.optout.clicks import LinkEvent, LinkOptIn
from services.optout.decide import DecidableEvent
from services.optout.decision_log.log import EventAtOffset
from services.optout.decision_log.who_wrote import load_further_readings, may_be_national
from services.optout.pipeline.context import SOURCE
from services.optout.pipeline.parse import Parsed
from services.optout.pipeline.records import record_of
from services.optout.removals import request_of
from services.optout.settings import OptOutSettings
from shared.errors import TransientError
from shared.events.codec import cloud_event_headers, encode
from shared.events.inbound import MessageReceived, OptOutRequested
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
        respelt: list[EventAtOffset] = []
        for received in parsed.received:
            (respelt if _is_respelt(received.event) else here).append(received)
        readings = await self._further_readings([received.event for received in here])
        for event in (*(_settled(received.event) for received in respelt), *readings):
            await self._publish(event, event.phone.encode(), partition_of(event.phone, self._partitions))
        for partition, late in parsed.elsewhere:
            key = late.token if isinstance(late, LinkEvent) else late.phone
            await self._publish(late, key.encode(), partition)
        return replace(parsed, received=here) if respelt else parsed

    async def _further_readings(self, events: Sequence[DecidableEvent]) -> list[MessageReceived]:
        """Return replies by the numbers that their writers also have if they wrote as in the account's country."""
        national = [event for event in events if may_be_national(event)]
        if not national:
            return []
        async with connection_from(self._pool) as connection:
            return await load_further_readings(connection, national)

    async def ask(self, partition: int, requests: Sequence[OptOutRequested]) -> None:
        """Publish requests for phones of the partition.

        Raises:
            TransientError: Kafka is unavailable; those that were published are the same the next time.
        """
        records = [record_of(each.phone.encode(), each) for each in requests]
        try:
            await within(SEND_SECONDS, self._producer.send_all(INBOUND_MESSAGES, partition, records), "asking again")
        except (KafkaError, OSError) as error:
            raise TransientError(f"asking again for an opt-out: {error!r}") from error

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


def _is_respelt(event: DecidableEvent) -> bool:
    """Say whether the event belongs to another spelling of its phone.

    A link's undo is decided where it is: its record does not have what it undoes, and without that it would be an
    opt-in to anything.
    """
    return settled_phone(event.phone) != event.phone and not isinstance(event, LinkOptIn)


def _settled(event: DecidableEvent) -> DecidableEvent:
    return event.model_copy(update={"phone": settled_phone(event.phone)})


def _with_settled_removals(parsed: Parsed) -> Parsed:
    """Return single requests in place of a record for many of whom one has an old spelling."""
    event = parsed.removals
    if event is None or all(settled_phone(phone) == phone for phone in event.phones):
        return parsed
    singly = [EventAtOffset(parsed.first_offset, request_of(event, phone)) for phone in event.phones]
    return replace(parsed, received=singly, removals=None)
