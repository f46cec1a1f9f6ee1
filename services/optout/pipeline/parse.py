"""Parses a batch of Kafka records into events to decide, fence markers to pass and records to park."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.optout.clicks import LinkEvent
from services.optout.decision_log.log import EventAtOffset
from services.optout.removals import ListRemovals
from shared.consumer import Polled
from shared.event_records import read_events
from shared.events.inbound import FenceMarkerAppended, LinkConfirmed, LinkUndone, inbound_event_adapter
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.parking import Parking
from shared.producer import OutgoingRecord

_NOT_DECIDED_AS_IT_IS = (FenceMarkerAppended, LinkConfirmed, LinkUndone, RemovalsRequested, RemovalsUndone)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The records of one poll, by what is to be done with them; `bad` counts those to park by their reason."""

    first_offset: int
    next_offset: int
    received: Sequence[EventAtOffset]
    parked: Sequence[OutgoingRecord] = ()
    bad: Mapping[str, int] = field(default_factory=dict)
    checkpoint_wanted: bool = False
    clicks: Sequence[tuple[Polled, LinkEvent]] = ()
    """Clicks on links: whose they are is not known yet."""
    removals: Sequence[tuple[int, ListRemovals]] = ()
    """Requests about many recipients in one record, by its offset."""


def parse(records: Sequence[Polled], partitions: int, parking: Parking, now: datetime) -> Parsed:
    """Read the records of one partition."""
    events, bad = read_events(inbound_event_adapter, records, partitions)
    at_offset = {record.offset: record for record in records}
    markers = [event for _, event in events if isinstance(event, FenceMarkerAppended)]
    return Parsed(
        records[0].offset,
        records[-1].offset + 1,
        [EventAtOffset(offset, event) for offset, event in events if not isinstance(event, _NOT_DECIDED_AS_IT_IS)],
        parking.park(bad, now).records if bad else (),
        Counter(error.reason for _, error in bad),
        any(marker.checkpoint_wanted for marker in markers),
        [(at_offset[offset], event) for offset, event in events if isinstance(event, LinkConfirmed | LinkUndone)],
        [(offset, event) for offset, event in events if isinstance(event, RemovalsRequested | RemovalsUndone)],
    )
