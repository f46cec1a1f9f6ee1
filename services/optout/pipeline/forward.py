"""Hands on messages to the partitions of the numbers that they belong to.

Two kinds come here: those of an inbound service that did not yet make numbers canonical, and those whose number may
also be one of the account's country, which only this service knows. They are written before the batch that they came in
is recorded, so that none is lost; one that is written twice is the same event.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from aiokafka.errors import KafkaError
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from services.optout.decide import DecidableEvent
from services.optout.decision_log.certainty import load_countries, load_sent_to
from services.optout.decision_log.log import UndecidedEvent
from services.optout.pipeline.parse import SERVICE, Parsed
from services.optout.settings import OptOutSettings
from services.optout.which_number import readings_of
from shared.errors import TransientError
from shared.events.codec import cloud_event_headers, encode
from shared.events.inbound import MAX_READINGS, NOBODY, MessageReceived, as_reading
from shared.kafka import SEND_SECONDS, within
from shared.partitions import partition_of
from shared.phones import settled_phone
from shared.phones.canonical import canonical
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
        here: list[UndecidedEvent] = []
        elsewhere: list[DecidableEvent] = []
        for received in parsed.received:
            phone = settled_phone(received.event.phone)
            if phone == received.event.phone:
                here.append(received)
            else:
                elsewhere.append(received.event.model_copy(update={"phone": phone}))
        elsewhere += await self._of_the_accounts_country([received.event for received in here])
        for event in elsewhere:
            await self._publish(event)
        return replace(parsed, received=here) if elsewhere else parsed

    async def close(self) -> None:
        await self._producer.close()

    async def _publish(self, event: DecidableEvent) -> None:
        sent = self._producer.send_and_wait(
            INBOUND_MESSAGES,
            encode(event),
            event.phone.encode(),
            partition=partition_of(event.phone, self._partitions),
            headers=cloud_event_headers(event, SERVICE),
        )
        try:
            await within(SEND_SECONDS, sent, "handing on a message")
        except (KafkaError, OSError) as error:
            raise TransientError(f"handing on a message: {error!r}") from error

    async def _of_the_accounts_country(self, events: Sequence[DecidableEvent]) -> list[MessageReceived]:
        """Return the events for the readings that the inbound service could not know, of those that were read first."""
        written = [event for event in events if isinstance(event, MessageReceived) and _is_first_reading(event)]
        if not written:
            return []
        async with connection_from(self._pool) as connection:
            countries = await load_countries(connection, [event.account_id for event in written])
            asked = [(event.account_id, phone) for event in written for phone in _anywhere(event)]
            sent_to = await load_sent_to(connection, asked) if asked else set()
        return [
            further
            for event in written
            for further in _further_readings(event, countries.get(event.account_id), sent_to)
        ]


def _further_readings(
    event: MessageReceived, country: str | None, sent_to: Collection[tuple[str, str]]
) -> list[MessageReceived]:
    """Return an event for each reading of the number that the inbound service did not know."""
    known = event.readings or (() if event.phone.startswith(NOBODY) else (event.phone,))
    sent = [phone for phone in _anywhere(event) if (event.account_id, phone) in sent_to]
    readings = tuple(dict.fromkeys((*sent, *readings_of(event, country))))[:MAX_READINGS]
    whole = event.model_copy(update={"readings": readings})
    return [as_reading(whole, phone) for phone in readings if phone not in known]


def _is_first_reading(event: MessageReceived) -> bool:
    """Say whether this is the first reading: only its worker publishes the missing ones, so they come once."""
    return event.written_phone is not None and event.phone == (*event.readings, event.phone)[0]


def _anywhere(event: MessageReceived) -> list[str]:
    """Return the numbers of all countries for digits that are a number of none that is known."""
    if event.written_phone is None or not event.phone.startswith(NOBODY):
        return []
    national = event.written_phone.lstrip("0")
    found = (canonical(f"{code}{national}") for code in COUNTRY_CODE_TO_REGION_CODE)
    return [phone for phone in found if phone is not None]
