"""The records that one Kafka transaction publishes, and their order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.optout.pipeline.records import auto_reply_records, opt_out_records, record_of, suppression_records
from services.optout.record.entry import Entry
from shared.events.suppression import (
    CHECKPOINT_KEY,
    WATERMARK_KEY,
    CheckpointPublished,
    SuppressionChanged,
    WatermarkAdvanced,
)
from shared.producer import OutgoingRecord


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication; `next_offset` is the watermark, and the offset that the transaction commits."""

    next_offset: int
    entries: Sequence[Entry] = ()
    parked: Sequence[OutgoingRecord] = ()
    checkpoint: CheckpointPublished | None = None
    states: Sequence[OutgoingRecord] = ()
    """Suppressions that are published again."""
    merged: Sequence[SuppressionChanged] = ()

    def suppressions(self) -> Iterator[OutgoingRecord]:
        """Yield the records for `suppressions`: the watermark last, after what it vouches for."""
        yield from self.states
        for entry in self.entries:
            yield from suppression_records(entry)
        for event in self.merged:
            yield record_of(event.key(), event)
        if self.checkpoint is not None:
            yield record_of(CHECKPOINT_KEY, self.checkpoint)
        yield record_of(WATERMARK_KEY, WatermarkAdvanced(next_offset=self.next_offset))

    def opt_out_events(self) -> Iterator[OutgoingRecord]:
        """Yield the records for `opt-out-events`."""
        for entry in self.entries:
            yield from opt_out_records(entry)

    def auto_replies(self) -> Iterator[OutgoingRecord]:
        """Yield the records for `outbound-messages`."""
        for entry in self.entries:
            yield from auto_reply_records(entry)
