"""What one Kafka transaction publishes, and in which order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.optout.record.entry import Entry, auto_replies_of, opt_out_events_of, suppressions_of
from shared.events.opt_out import AnyOptOutEvent
from shared.events.outbound import MessageRequested
from shared.events.suppression import (
    CHECKPOINT_KEY,
    WATERMARK_KEY,
    AnySuppressionEvent,
    CheckpointPublished,
    WatermarkAdvanced,
)
from shared.parking import ParkedRecord


@dataclass(frozen=True, slots=True)
class Publication:
    """`next_offset` is the watermark, and the offset that the transaction commits."""

    next_offset: int
    entries: Sequence[Entry] = ()
    parked: Sequence[ParkedRecord] = ()
    checkpoint: CheckpointPublished | None = None


def suppression_events(publication: Publication) -> Iterator[tuple[bytes, AnySuppressionEvent]]:
    """Yield keys and events for `suppressions`: the watermark last, behind what it vouches for."""
    for entry in publication.entries:
        for change in suppressions_of(entry):
            yield change.key(), change
    yield from vouching_events(publication)


def vouching_events(publication: Publication) -> Iterator[tuple[bytes, CheckpointPublished | WatermarkAdvanced]]:
    """Yield what vouches for the suppressions before it: the watermark last."""
    if publication.checkpoint is not None:
        yield CHECKPOINT_KEY, publication.checkpoint
    yield WATERMARK_KEY, WatermarkAdvanced(next_offset=publication.next_offset)


def auto_replies(publication: Publication) -> Iterator[MessageRequested]:
    """Yield the messages for `outbound-messages`."""
    for entry in publication.entries:
        if entry.follow_ups:
            yield from auto_replies_of(entry)


def opt_out_events(publication: Publication) -> Iterator[AnyOptOutEvent]:
    """Yield the events for `opt-out-events`."""
    for entry in publication.entries:
        yield from opt_out_events_of(entry)
