"""The contents of a batch of Kafka records: messages to decide, markers to pass, records to park."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.optout.record.batch import UndecidedEvent
from shared.consumer import Polled
from shared.errors import PoisonError
from shared.events.inbound import FenceMarkerAppended, inbound_events
from shared.flood import Bad, Parking
from shared.producer import OutgoingRecord
from shared.reading import check_place, event_of

SERVICE = "stopline/optout"


@dataclass(frozen=True, slots=True)
class Parsed:
    """The records of one poll, by what is to be done with them; `bad` counts those to park by their reason."""

    first_offset: int
    next_offset: int
    received: Sequence[UndecidedEvent]
    parked: Sequence[OutgoingRecord] = ()
    bad: Mapping[str, int] = field(default_factory=dict)
    checkpoint_wanted: bool = False


def parse(records: Sequence[Polled], partitions: int, parking: Parking, now: datetime) -> Parsed:
    """Read the records of one partition."""
    received: list[UndecidedEvent] = []
    bad: list[Bad] = []
    wanted = False
    for record in records:
        try:
            event = event_of(inbound_events, record)
            check_place(event, record, partitions)
        except PoisonError as error:
            bad.append((record, error))
        else:
            if isinstance(event, FenceMarkerAppended):
                wanted = wanted or event.checkpoint_wanted
            else:
                received.append(UndecidedEvent(record.offset, event))
    return Parsed(
        records[0].offset,
        records[-1].offset + 1,
        received,
        parking.park(bad, now).records if bad else (),
        Counter(error.reason for _, error in bad),
        wanted,
    )
