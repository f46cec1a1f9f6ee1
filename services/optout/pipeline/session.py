"""One worker's work between two starts: what is recorded, what is published, and the step from batch to batch."""

import time

from services.optout import metrics
from services.optout.pipeline.consume import Parsed
from services.optout.pipeline.context import Context
from services.optout.pipeline.deliveries import Deliveries
from services.optout.pipeline.publish import Publication, Publisher
from services.optout.pipeline.start import Start
from services.optout.record.batch import Batch, record_batch
from services.optout.record.connection import AWAY, Connection, connection_of
from services.optout.record.entry import Entry
from services.optout.record.position import Position, move_position
from services.optout.record.replay import load_entries
from shared.events.suppression import CheckpointPublished
from shared.suppression_digest import format_digest

CHECKPOINT_CHANGES = 10_000
MARKERS_BEFORE_MOVE = 10_000
_SECONDS_BEFORE_MOVE = 10.0


class Session:
    """`published` is the offset below which Kafka has everything; the record may be further."""

    def __init__(
        self, context: Context, partition: int, publisher: Publisher, deliveries: Deliveries, start: Start
    ) -> None:
        self.published = start.offset
        self._context = context
        self._partition = partition
        self._publisher = publisher
        self._deliveries = deliveries
        self._recorded: Position = start.recorded
        self._in_step_from = max(start.recorded.next_offset, start.committed)
        self._changes = 0
        self._checkpoint_at = time.monotonic()
        self._moved_at = time.monotonic()

    async def begin(self) -> None:
        """Tell the senders at once how far the partition is, and, unless a replay follows, what they must hold.

        A replay tells old states again. The watermark before it has senders wait until it is through.
        """
        in_step = self.published >= self._in_step_from
        checkpoint = self._checkpoint(self.published) if in_step else None
        await self._publisher.publish(Publication(self.published, checkpoint=checkpoint))

    async def process(self, parsed: Parsed) -> None:
        """Decide and record what is new, publish that and what was recorded before, and move on."""
        entries = [*await self._stored(parsed), *await self._new(parsed)]
        checkpoint = self._checkpoint(parsed.next_offset) if self._is_checkpoint_due(parsed, entries) else None
        await self._publisher.publish(Publication(parsed.next_offset, entries, parsed.parked, checkpoint))
        self.published = parsed.next_offset
        if checkpoint is not None:
            self._changes, self._checkpoint_at = 0, time.monotonic()
        self._count(parsed, entries)
        await self._move_past_markers()

    async def _stored(self, parsed: Parsed) -> list[Entry]:
        recorded = self._recorded.next_offset
        if parsed.first_offset >= recorded:
            return []
        async with connection_of(self._context.pool) as connection:
            to_offset = min(parsed.next_offset, recorded)
            stored = await load_entries(connection, self._partition, parsed.first_offset, to_offset)
        metrics.ENTRIES_REPLAYED.inc(len(stored))
        return stored

    async def _new(self, parsed: Parsed) -> list[Entry]:
        received = [message for message in parsed.received if message.offset >= self._recorded.next_offset]
        if not received:
            return []
        await self._deliveries.catch_up()
        batch = Batch(self._partition, self._recorded.next_offset, parsed.next_offset, received)
        async with connection_of(self._context.pool) as connection:
            entries, self._recorded = await record_batch(
                connection, batch, self._context.now(), self._context.settings.attribution_window
            )
        self._moved_at = time.monotonic()
        return entries

    def _is_checkpoint_due(self, parsed: Parsed, entries: list[Entry]) -> bool:
        self._changes += sum(len(entry.changed) for entry in entries)
        in_step = parsed.next_offset >= max(self._in_step_from, self._recorded.next_offset)
        age_seconds = time.monotonic() - self._checkpoint_at
        is_old = self._changes > 0 and age_seconds >= self._context.settings.checkpoint_seconds
        return in_step and (is_old or self._changes >= CHECKPOINT_CHANGES)

    def _checkpoint(self, next_offset: int) -> CheckpointPublished:
        return CheckpointPublished(
            next_offset=next_offset,
            suppressed_count=self._recorded.suppressed_count,
            digest=format_digest(self._recorded.digest),
        )

    async def _move_past_markers(self) -> None:
        """Move the recorded position over markers now and then, or a restart would read all of them again."""
        behind = self.published - self._recorded.next_offset
        seconds = time.monotonic() - self._moved_at
        if behind < MARKERS_BEFORE_MOVE and (behind <= 0 or seconds < _SECONDS_BEFORE_MOVE):
            return
        try:
            async with connection_of(self._context.pool) as connection:
                await self._move(connection)
        except AWAY:
            pass  # markers alone need no Postgres; the position moves when it is back
        self._moved_at = time.monotonic()

    async def _move(self, connection: Connection) -> None:
        moved = await move_position(connection, self._partition, self._recorded.next_offset, self.published)
        self._recorded = moved

    def _count(self, parsed: Parsed, entries: list[Entry]) -> None:
        metrics.BATCHES_PUBLISHED.inc()
        metrics.WATERMARK.labels(self._partition).set(parsed.next_offset)
        for entry in entries:
            metrics.MESSAGES_DECIDED.labels(entry.answer).inc()
        for parked in parsed.parked:
            metrics.RECORDS_PARKED.labels(dict(parked.headers)["parked_reason"].decode()).inc()
