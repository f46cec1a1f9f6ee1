"""Parses Kafka records into events to decide, fence markers to pass and records to park."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import TypeVar

from opentelemetry.trace import SpanContext

from services.optout.clicks import LinkEvent
from services.optout.decide import DecidableEvent
from services.optout.decision_log.log import Batch, EventAtOffset
from services.optout.decision_log.removals import RemovalsBatch
from services.optout.pipeline.traces import traces_of
from services.optout.removals import ListRemovals, request_of
from shared import tracing
from shared.consumer import Polled
from shared.errors import PoisonError
from shared.event_records import event_of, read_events
from shared.events.inbound import (
    AnyInboundEvent,
    FenceMarkerAppended,
    LinkConfirmed,
    LinkUndone,
    inbound_event_adapter,
)
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.parked_records import Bad
from shared.parking import Parking
from shared.partitions import partition_of
from shared.producer import OutgoingRecord

FoundT = TypeVar("FoundT")
_FOR_MANY = (RemovalsRequested, RemovalsUndone)
_NOT_DECIDED_AS_IT_IS = (FenceMarkerAppended, LinkConfirmed, LinkUndone, *_FOR_MANY)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A portion of a poll, by what is to be done with its records; `bad` counts those to park by their reason.

    A record for many recipients is by itself: its event is `removals`, its offset `first_offset`.
    """

    first_offset: int
    next_offset: int
    received: Sequence[EventAtOffset]
    parked: Sequence[OutgoingRecord] = ()
    bad: Mapping[str, int] = field(default_factory=dict)
    checkpoint_wanted: bool = False
    clicks: Sequence[tuple[Polled, LinkEvent]] = ()
    """Clicks on links: whose they are is not known yet."""
    removals: ListRemovals | None = None
    traces: Mapping[int, SpanContext] = field(default_factory=dict)
    """The traces that records belong to, by offset; none where no traces are made."""
    elsewhere: Sequence[tuple[int, LinkEvent | DecidableEvent]] = ()
    """What was placed by a number of partitions that there were once, with the partition that it belongs to."""

    @property
    def has_only_markers(self) -> bool:
        """Whether it has nothing but fence markers, none of which asks for more than a watermark."""
        others = self.received, self.parked, self.clicks, self.elsewhere
        return not any(others) and not self.bad and self.removals is None and not self.checkpoint_wanted


def parse(
    records: Sequence[Polled], partitions: int, parking: Parking, now: datetime, former: Collection[int] = ()
) -> Iterator[Parsed]:
    """Read the records of one poll, all of one partition; yield them in portions to be published one after the other.

    A record for many recipients is a portion. So what comes before it does not wait for it, and however many of them
    a poll has, a transaction has one. `former` are the numbers of partitions that there were before.
    """
    found, wrong = read_events(inbound_event_adapter, records, partitions)
    readable = {record.offset: (record, event) for record, event in found}
    late = {record.offset: events for record, error in wrong if (events := _placed_before(record, error, former))}
    bad = {record.offset: (record, error) for record, error in wrong if record.offset not in late}
    for_many = {record.offset for record, event in found if isinstance(event, _FOR_MANY)}
    for run in _runs(records, for_many):
        parsed = _parsed(run, _among(run, readable), _among(run, bad), parking, now)
        moved = chain.from_iterable(_among(run, late))
        yield replace(parsed, elsewhere=[(partition_of(event.phone, partitions), event) for event in moved])


def _among(run: Sequence[Polled], by_offset: Mapping[int, FoundT]) -> list[FoundT]:
    """Return what there is for the records of a run, in their order."""
    return [by_offset[record.offset] for record in run if record.offset in by_offset]


def _placed_before(record: Polled, error: PoisonError, former: Collection[int]) -> Sequence[DecidableEvent]:
    """Return what a record asks for that a process with an old number of partitions wrote; nothing: it is another's."""
    if error.reason != "wrong_partition":
        return ()
    events: Sequence[DecidableEvent]
    event = event_of(inbound_event_adapter, record)
    match event:
        case RemovalsRequested() | RemovalsUndone():
            events = [request_of(event, phone) for phone in event.phones]
        case FenceMarkerAppended() | LinkConfirmed() | LinkUndone():
            return ()  # no phone has placed them
        case _:
            events = [event]
    fits = (all(partition_of(each.phone, number) == record.partition for each in events) for number in former)
    return events if any(fits) else ()


def _runs(records: Sequence[Polled], alone: Collection[int]) -> Iterator[Sequence[Polled]]:
    """Yield the records in runs; one at an offset in `alone` is a run by itself."""
    run: list[Polled] = []
    for record in records:
        if record.offset in alone:
            yield from filter(None, (run, [record]))
            run = []
        else:
            run.append(record)
    yield from filter(None, (run,))


def _parsed(
    records: Sequence[Polled],
    events: Sequence[tuple[Polled, AnyInboundEvent]],
    bad: Sequence[Bad],
    parking: Parking,
    now: datetime,
) -> Parsed:
    markers = [event for _, event in events if isinstance(event, FenceMarkerAppended)]
    return Parsed(
        first_offset=records[0].offset,
        next_offset=records[-1].offset + 1,
        received=[
            EventAtOffset(record.offset, event)
            for record, event in events
            if not isinstance(event, _NOT_DECIDED_AS_IT_IS)
        ],
        parked=parking.park(bad, now).records if bad else (),
        bad=Counter(error.reason for _, error in bad),
        checkpoint_wanted=any(marker.checkpoint_wanted for marker in markers),
        clicks=[(record, event) for record, event in events if isinstance(event, LinkConfirmed | LinkUndone)],
        removals=next((event for _, event in events if isinstance(event, RemovalsRequested | RemovalsUndone)), None),
        traces=traces_of(records) if tracing.is_on() else {},
    )


def batch_of(partition: int, parsed: Parsed, start: int) -> Batch | RemovalsBatch | None:
    """Return what is to be decided from offset `start` on, if anything."""
    if parsed.removals is not None:
        offset = parsed.first_offset
        return RemovalsBatch(partition, start, offset + 1, offset, parsed.removals) if offset >= start else None
    received = [each for each in parsed.received if each.offset >= start]
    return Batch(partition, start, parsed.next_offset, received) if received else None
