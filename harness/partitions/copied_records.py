"""Copies records that are not processed yet to the partitions that they belong to, in their order for each phone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from pydantic import TypeAdapter

from services.optout.removals import ListRemovals
from shared.consumer import Consumer, Polled
from shared.errors import PoisonError, TransientError
from shared.event_records import event_of
from shared.events.codec import Headers, encode
from shared.events.delivery import AnyDeliveryEvent, MessageDispatching, delivery_event_adapter
from shared.events.inbound import AnyInboundEvent, FenceMarkerAppended, LinkConfirmed, LinkUndone, inbound_event_adapter
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.kafka import SEND_SECONDS, assigned_consumer, within
from shared.opt_out_links import partition_of_token
from shared.parking import Parking
from shared.partitions import partition_of
from shared.producer import Producer, send_parked
from shared.settings import KafkaSettings
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES

_POLL_MS = 500
_STUCK_SECONDS = 30.0
_SOURCE = "stopline/partitions"

OffsetsByPartition = Mapping[int, int]
PhonesOfLinks = Callable[[Sequence[str]], Any]
"""Asks the database for the phones of links, by token."""


class Copied(NamedTuple):
    """A record as it is published again."""

    partition: int
    key: bytes | None
    value: bytes
    headers: Headers
    timestamp: int | None


@dataclass
class Copier:
    """The copier of both topics; delivery events come first, since they say whose links there are.

    Args:
        settings: with the new number of partitions.
        phones_of_links: asks the database.
    """

    settings: KafkaSettings
    producer: AIOKafkaProducer
    phones_of_links: PhonesOfLinks
    count: int = 0
    _links: dict[str, str] = field(default_factory=dict)
    _parking: Parking = field(default_factory=lambda: Parking(_SOURCE))

    async def copy_delivery_events(self, starts: OffsetsByPartition, ends: OffsetsByPartition) -> None:
        """Copy what the opt-out service has not recorded."""
        async for records in records_between(self.settings, DELIVERY_EVENTS, starts, ends):
            events = await self._read(delivery_event_adapter, records)
            self._links |= {
                event.link_token: event.phone
                for _, event in events
                if isinstance(event, MessageDispatching) and event.link_token is not None
            }
            await self._publish(DELIVERY_EVENTS, [self._delivery(record, event) for record, event in events])

    async def copy_inbound(self, starts: OffsetsByPartition, ends: OffsetsByPartition) -> None:
        """Copy what is not decided; fence markers are left out, since nobody waits for them any more."""
        async for records in records_between(self.settings, INBOUND_MESSAGES, starts, ends):
            events = await self._read(inbound_event_adapter, records)
            await self._find_links(events)
            await self._publish(
                INBOUND_MESSAGES, [each for record, event in events for each in self._inbound(record, event)]
            )

    async def misplaced(self, starts: OffsetsByPartition, ends: OffsetsByPartition) -> TopicPartition | None:
        """Return where `inbound-messages` has a record that another number of partitions has placed; None: nowhere."""
        async for records in records_between(self.settings, INBOUND_MESSAGES, starts, ends):
            events = await self._read(inbound_event_adapter, records)
            await self._find_links(events)
            for record, event in events:
                if any(each.partition != record.partition for each in self._inbound(record, event)):
                    return TopicPartition(record.topic, record.partition)
        return None

    async def _read(self, adapter: TypeAdapter[Any], records: Sequence[Polled]) -> list[tuple[Polled, Any]]:
        """Return the events; what cannot be read is parked here, as its reader would have done."""
        events, bad = [], []
        for record in records:
            try:
                events.append((record, event_of(adapter, record)))
            except PoisonError as error:
                bad.append((record, error))
        if bad:
            parked = Producer(self.settings.kafka)
            try:
                await send_parked(parked, self._parking.park(bad, datetime.now(UTC)).records)
            finally:
                await parked.close()
        return events

    async def _find_links(self, events: Iterable[tuple[Polled, AnyInboundEvent]]) -> None:
        clicks = (event for _, event in events if isinstance(event, LinkConfirmed | LinkUndone))
        if tokens := [event.token for event in clicks if event.token not in self._links]:
            self._links |= await self.phones_of_links(tokens)

    def _delivery(self, record: Polled, event: AnyDeliveryEvent) -> Copied:
        key = record.key or b""
        placed_by = getattr(event, "phone", None) or key.decode(errors="replace")
        return self._as_it_is(record, partition_of(placed_by, self.settings.partitions))

    def _inbound(self, record: Polled, event: AnyInboundEvent) -> list[Copied]:
        partitions = self.settings.partitions
        match event:
            case FenceMarkerAppended():
                return []
            case LinkConfirmed(token=token) | LinkUndone(token=token):
                phone = self._links.get(token)
                place = partition_of_token(token, partitions) if phone is None else partition_of(phone, partitions)
                return [self._as_it_is(record, place)]
            case RemovalsRequested() | RemovalsUndone():
                return list(self._of_many(record, event))
            case _:
                return [self._as_it_is(record, partition_of(event.phone, partitions))]

    def _of_many(self, record: Polled, event: ListRemovals) -> Iterable[Copied]:
        """Yield the record in parts, one a partition: the id of each request in it follows from its phone."""

        def place(phone: str) -> int:
            return partition_of(phone, self.settings.partitions)

        for partition, phones in groupby(sorted(event.phones, key=place), key=place):
            part = event.model_copy(update={"phones": tuple(phones)})
            yield self._as_it_is(record, partition)._replace(value=encode(part))

    def _as_it_is(self, record: Polled, partition: int) -> Copied:
        timestamp = record.timestamp if record.timestamp >= 0 else None
        return Copied(partition, record.key, record.value or b"", list(record.headers), timestamp)

    async def _publish(self, topic: str, copies: Sequence[Copied]) -> None:
        acknowledged = [
            await self.producer.send(
                topic, each.value, each.key, each.partition, timestamp_ms=each.timestamp, headers=each.headers
            )
            for each in copies
        ]
        await within(SEND_SECONDS, asyncio.gather(*acknowledged), f"copying to {topic}")
        self.count += len(copies)


async def offsets(settings: KafkaSettings, topic: str, partitions: int) -> tuple[dict[int, int], dict[int, int]]:
    """Return where each of the first `partitions` partitions begins and ends."""
    places = [TopicPartition(topic, number) for number in range(partitions)]
    async with assigned_consumer(settings.kafka, places) as consumer:
        begins = await within(SEND_SECONDS, consumer.beginning_offsets(places), "asking for the beginnings")
        ends = await within(SEND_SECONDS, consumer.end_offsets(places), "asking for the ends")
    return {at.partition: offset for at, offset in begins.items()}, {
        at.partition: offset for at, offset in ends.items()
    }


async def records_between(
    settings: KafkaSettings, topic: str, starts: OffsetsByPartition, ends: OffsetsByPartition
) -> AsyncIterator[list[Polled]]:
    """Yield the records from `starts` to before `ends`, partition by partition.

    Raises:
        TransientError: Kafka is unavailable, or does not have them any more.
    """
    for number, end in ends.items():
        place = TopicPartition(topic, number)
        async with assigned_consumer(settings.kafka, [place]) as consumer:
            consumer.seek(place, starts[number])
            while (at := await _position(consumer, place)) < end:
                yield [record for record in await _records_from(consumer, place, at) if record.offset < end]


async def _records_from(consumer: Consumer, place: TopicPartition, at: int) -> Sequence[Polled]:
    """Wait for the next records; none, where what comes is the end of a transaction.

    Raises:
        TransientError: nothing comes, as to a consumer that hangs after a broker's end.
    """
    try:
        async with asyncio.timeout(_STUCK_SECONDS):
            while True:
                polled = await within(SEND_SECONDS, consumer.getmany(timeout_ms=_POLL_MS), f"reading {place.topic}")
                if (records := polled.get(place, ())) or await _position(consumer, place) > at:
                    return records
    except TimeoutError:
        raise TransientError(
            f"{place.topic} {place.partition}: nothing came from offset {at} for {_STUCK_SECONDS:.0f} s: run this again"
        ) from None


async def _position(consumer: Consumer, place: TopicPartition) -> int:
    return await within(SEND_SECONDS, consumer.position(place), "asking for the position")


def check_all_there(
    topic: str, starts: OffsetsByPartition, begins: OffsetsByPartition, ends: OffsetsByPartition
) -> None:
    """Refuse where records were deleted, or lost, that are not processed.

    Raises:
        TransientError: says which.
    """
    for number, start in starts.items():
        if not begins[number] <= start <= ends[number]:
            raise TransientError(
                f"{topic} {number} has offsets {begins[number]} to {ends[number]}, but {start} is the next to decide:"
                " Kafka has lost records, or the database belongs to another cluster"
            )
