"""Parses Kafka records into events to decide, fence markers to pass and records to park."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from opentelemetry.trace import SpanContext

from services.optout.clicks import LinkEvent
from services.optout.decision_log.log import EventAtOffset
from services.optout.pipeline.traces import traces_of
from services.optout.removals import ListRemovals
from shared import tracing
from shared.consumer import Polled
from shared.event_records import read_events
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
from shared.producer import OutgoingRecord

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
    elsewhere: Sequence[tuple[int, LinkEvent]] = ()
    """Clicks on links that were sent when there were fewer partitions, with the partition that they belong to."""


def parse(records: Sequence[Polled], partitions: int, parking: Parking, now: datetime) -> Iterator[Parsed]:
    """Read the records of one poll, all of one partition; yield them in portions to be published one after the other.

    A record for many recipients is a portion. So what comes before it does not wait for it, and however many of them
    a poll has, a transaction has one.
    """
    found, wrong = read_events(inbound_event_adapter, records, partitions)
    events, bad = dict(found), {record.offset: (record, error) for record, error in wrong}
    for run in _runs(records, {offset for offset, event in found if isinstance(event, _FOR_MANY)}):
        some = [(record, events[record.offset]) for record in run if record.offset in events]
        yield _parsed(run, some, [bad[record.offset] for record in run if record.offset in bad], parking, now)


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
        records[0].offset,
        records[-1].offset + 1,
        [
            EventAtOffset(record.offset, event)
            for record, event in events
            if not isinstance(event, _NOT_DECIDED_AS_IT_IS)
        ],
        parking.park(bad, now).records if bad else (),
        Counter(error.reason for _, error in bad),
        any(marker.checkpoint_wanted for marker in markers),
        [(record, event) for record, event in events if isinstance(event, LinkConfirmed | LinkUndone)],
        next((event for _, event in events if isinstance(event, RemovalsRequested | RemovalsUndone)), None),
        traces_of(records) if tracing.is_on() else {},
    )
