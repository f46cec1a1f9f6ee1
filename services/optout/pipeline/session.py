"""One worker's work between two starts: what is recorded, what is published, and the step from batch to batch."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from services.optout import metrics
from services.optout.decision_log.alike import count_changed, size_of
from services.optout.decision_log.entry import Entry
from services.optout.decision_log.erasures import with_phones
from services.optout.decision_log.log import Batch, DecisionLog, EntryOrAlike
from services.optout.decision_log.merged import SuppressionKey
from services.optout.decision_log.position import Position
from services.optout.pipeline.account_settings import PublishesAccountSettings
from services.optout.pipeline.context import utc_now
from services.optout.pipeline.parse import Parsed, batch_of
from services.optout.pipeline.publish import AccountSettingsMark, Publication
from services.optout.pipeline.start import Start
from services.optout.pipeline.traces import BatchSpans, batch_spans
from services.optout.removals import request_id
from shared.errors import TransientError
from shared.events.anchor import AnchorPublished
from shared.events.inbound import CarrierBlocked, ErasureRequested, MessageReceived
from shared.events.suppression import CheckpointPublished, MarkersPassed
from shared.producer import OutgoingRecord
from shared.suppression_digest import format_digest

CHECKPOINT_CHANGES = 10_000
MARKERS_BEFORE_MOVE = 10_000
WANTED_AGAIN_SECONDS = 1.0
"""A sender that doubts asks for a checkpoint; many of them get no more than one in this time."""
COMMIT_SECONDS = 5.0
"""How often the offset is committed while only markers come: the next marker waits, and a restart reads them again."""
CHECK_SECONDS = 1.0
"""How often the position in Postgres is looked at while no decision moves it and markers come."""
_SECONDS_BEFORE_MOVE = 10.0
_ABOUT_MESSAGES = MessageReceived | CarrierBlocked | ErasureRequested
_MERGED_AT_ONCE = 2_000
_OPT_OUTS = ("opt_out", "held")


class Publishes(Protocol):
    async def publish(self, publication: Publication) -> None:
        """Publish all or nothing, as `TransactionPublisher` of `publish.py` does."""

    async def pass_markers(self, passed: MarkersPassed) -> None:
        """Publish that there were only markers, without a transaction, as `TransactionPublisher` does."""


class CatchesUp(Protocol):
    async def catch_up(self) -> None:
        """Wait until all that was sent is in the database, as `DeliveryEventFollower` of `delivery_events.py` does."""


class WorkerSession:
    """A worker's life between two starts.

    `published` is the offset below which Kafka has everything; the decision log may be ahead of it.
    """

    def __init__(  # noqa: PLR0913 (what it works with)
        self,
        partition: int,
        start: Start,
        decision_log: DecisionLog,
        publisher: Publishes,
        deliveries: CatchesUp,
        *,
        account_settings: PublishesAccountSettings,
        checkpoint_seconds: float,
        idle_checkpoint_seconds: float = 60.0,
        seconds: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.published = start.offset
        self._partition = partition
        self._decision_log = decision_log
        self._publisher = publisher
        self._deliveries = deliveries
        self._account_settings = account_settings
        self._account_settings_mark: AccountSettingsMark | None = None
        self._position: Position = start.position
        self._began_at, self._in_step_from = start.offset, start.end
        self._checkpoint_seconds = checkpoint_seconds
        self._idle_checkpoint_seconds = idle_checkpoint_seconds
        self._seconds = seconds
        self._now = now
        self._anchored = 0
        self._committed_at = -COMMIT_SECONDS
        self._changes = 0
        self._checkpoint_at: float | None = None
        self._moved_at = seconds()
        self._checked_at = seconds()
        self._merged: list[SuppressionKey] = []

    async def start(self) -> None:
        """Publish at once how far the partition is, and the settings of its accounts.

        A replay publishes old states again: the watermark before it has senders wait until its end, where a checkpoint
        comes first, by which alone a restored database that decides otherwise is found. So states that a merge of
        spellings has changed are published before it, and again after it.

        Raises:
            PositionMovedError: the database was restored since the start was found: it lacks what comes before that.
        """
        await self._publish(Publication(self.published))
        self._merged, position = await self._decision_log.merged()
        self._position = position.expected(self._position.next_offset)
        async for records in self._account_settings.all():
            await self._publish(Publication(self.published, account_settings=records))
        self._account_settings_mark = self._account_settings.mark
        for first in range(0, len(self._merged), _MERGED_AT_ONCE):
            merged = await self._decision_log.states(self._merged[first : first + _MERGED_AT_ONCE])
            await self._publish(Publication(self.published, merged=merged))
        await self._publish(Publication(self.published, checkpoint=self._checkpoint_due(self.published)))

    async def prove(self) -> None:
        """Publish a checkpoint where nothing comes that would: whoever else wrote to the topic is found by it."""
        checkpoint = self._checkpoint_due(self.published)
        if checkpoint is not None:
            await self._publish(Publication(self.published, checkpoint=checkpoint))

    async def process(self, parsed: Parsed) -> None:
        """Decide and record what is new, publish that and what was recorded before, and move on."""
        with batch_spans(self._partition, parsed.traces) as spans:
            await self._process(parsed, spans)

    async def _process(self, parsed: Parsed, spans: BatchSpans) -> None:
        stored, new = await self._stored(parsed), await self._new(parsed)
        entries = [*stored, *new]
        spans.recorded(entries)
        self._changes += sum(count_changed(each) for each in entries)
        account_settings = await self._account_settings.changed()
        self._account_settings_mark = self._account_settings.mark
        checkpoint = self._checkpoint_due(parsed.next_offset, wanted=parsed.checkpoint_wanted)
        # A session's first checkpoint is in a transaction, before the first watermark that has moved.
        is_proven = checkpoint is None and self._checkpoint_at is not None
        if parsed.has_only_markers and not entries and not account_settings and is_proven:
            await self._pass_markers(parsed.next_offset)
        else:
            await self._publish_batch(parsed, entries, account_settings, checkpoint, spans)
        self._count(parsed, entries)
        _note_effects(new, self._now())
        await self._move_past_markers()

    async def _pass_markers(self, next_offset: int) -> None:
        """Have those who wait for markers go on; now and then the offset is committed after them."""
        await self._check_position()
        passed = MarkersPassed(next_offset=next_offset, settings_epoch=self._account_settings.mark.epoch)
        await self._publisher.pass_markers(passed)
        self.published = next_offset
        if self._seconds() - self._committed_at >= COMMIT_SECONDS:
            await self._publish(Publication(next_offset))

    async def _check_position(self) -> None:
        """Look, before markers are passed, whether the database is still the one that was decided in (G4).

        A decision would notice; of a database that was restored markers alone would not, for as long as nobody writes.

        Raises:
            PositionMovedError: it is not.
        """
        if self._seconds() - max(self._checked_at, self._moved_at) >= CHECK_SECONDS:
            await self._decision_log.check(self._position.next_offset)
            self._checked_at = self._seconds()

    async def _publish_batch(
        self,
        parsed: Parsed,
        entries: Sequence[EntryOrAlike],
        account_settings: Sequence[OutgoingRecord],
        checkpoint: CheckpointPublished | None,
        spans: BatchSpans,
    ) -> None:
        merged = await self._decision_log.states(self._merged) if checkpoint is not None and self._merged else ()
        erasures = [each.event for each in parsed.received if isinstance(each.event, ErasureRequested)]
        await self._publish(
            Publication(
                parsed.next_offset,
                entries,
                parsed.parked,
                checkpoint,
                merged=merged,
                erasures=erasures,
                account_settings=account_settings,
                trace_headers=spans.headers,
            )
        )

    async def _publish(self, publication: Publication) -> None:
        sequence, now = self._position.sequence, self._seconds()
        watermark = self._watermark(publication.next_offset)
        publication = replace(
            publication,
            watermark=watermark,
            anchor=self._anchor(),
            account_settings_mark=self._account_settings_mark,
        )
        await self._publisher.publish(publication)
        self.published, self._anchored, self._committed_at = publication.next_offset, sequence, now
        if publication.checkpoint is not None:
            self._changes, self._checkpoint_at = 0, self._seconds()
            if self._merged:
                await self._decision_log.note_published(self._merged)
                self._merged = []

    def _watermark(self, next_offset: int) -> int:
        """Return what may be vouched for: of what was there when the session began, nothing before all is through."""
        return self._began_at if next_offset < self._in_step_from else next_offset

    def _anchor(self) -> AnchorPublished | None:
        """Return the head of the chain, where there is one that is not published yet in this session."""
        at = self._position
        if at.sequence in (0, self._anchored):
            return None
        return AnchorPublished(
            partition=self._partition,
            sequence=at.sequence,
            head_hash=at.head_hash.hex(),
            next_offset=at.next_offset,
            anchored_at=self._now(),
        )

    async def _stored(self, parsed: Parsed) -> list[Entry]:
        recorded_to = self._position.next_offset
        if parsed.first_offset >= recorded_to:
            return []
        stored = await self._decision_log.entries(parsed.first_offset, min(parsed.next_offset, recorded_to))
        metrics.ENTRIES_REPLAYED.inc(len(stored))
        phones = {(each.offset, str(each.event.event_id)): each.event.phone for each in parsed.received}
        if parsed.removals is not None:
            phones = {(parsed.first_offset, request_id(parsed.removals, each)): each for each in parsed.removals.phones}
        # A click has no phone, and its link is erased with it: the erasure that is read again has it.
        erased = (each.event for each in parsed.received if isinstance(each.event, ErasureRequested))
        return with_phones(stored, phones, {each.pseudonym: each.phone for each in erased})

    async def _new(self, parsed: Parsed) -> Sequence[EntryOrAlike]:
        batch = batch_of(self._partition, parsed, self._position.next_offset)
        if batch is None:
            return ()
        if isinstance(batch, Batch) and any(isinstance(each.event, _ABOUT_MESSAGES) for each in batch.received):
            await self._deliveries.catch_up()  # what is attributed to a message, or erases those before
        decided, self._position = await self._decision_log.record(batch)
        self._moved_at = self._seconds()
        return decided

    def _checkpoint_due(self, next_offset: int, *, wanted: bool = False) -> CheckpointPublished | None:
        """Return what the senders must hold at `next_offset`, where it is time to publish it.

        That is so once in a session, then soon after changes, now and then without any, and where a sender asks. While
        earlier decisions are published again, topic and decision log differ: the topic may have what a
        restored database has not.
        """
        if next_offset < self._in_step_from:
            return None
        if self._checkpoint_at is not None:
            lives_seconds = self._checkpoint_seconds if self._changes else self._idle_checkpoint_seconds
            due_again = WANTED_AGAIN_SECONDS if wanted else lives_seconds
            is_old = self._seconds() - self._checkpoint_at >= due_again
            if not is_old and self._changes < CHECKPOINT_CHANGES:
                return None
        return CheckpointPublished(
            next_offset=next_offset,
            suppressed_count=self._position.suppressed_count,
            digest=format_digest(self._position.digest),
        )

    async def _move_past_markers(self) -> None:
        """Move the recorded position over markers now and then, or a restart would read all of them again."""
        unrecorded = self.published - self._position.next_offset
        is_time = self._seconds() - self._moved_at >= _SECONDS_BEFORE_MOVE
        if unrecorded < MARKERS_BEFORE_MOVE and (unrecorded <= 0 or not is_time):
            return
        self._moved_at = self._seconds()
        try:
            self._position = await self._decision_log.move(self._position.next_offset, self.published)
        except TransientError:
            return  # what was published stays published; the position moves with a later batch

    def _count(self, parsed: Parsed, entries: Sequence[EntryOrAlike]) -> None:
        metrics.BATCHES_PUBLISHED.inc()
        metrics.WATERMARK.labels(self._partition).set(self._watermark(parsed.next_offset))
        for entry in entries:
            metrics.MESSAGES_DECIDED.labels(entry.kind).inc(size_of(entry))
        for reason, count in parsed.bad.items():
            metrics.RECORDS_PARKED.labels(reason).inc(count)


def _note_effects(entries: Sequence[EntryOrAlike], now: datetime) -> None:
    """Note how long those who opted out one by one had to wait for it; what is published again took effect before."""
    for each in entries:
        if isinstance(each, Entry) and each.kind in _OPT_OUTS:
            metrics.EFFECT_SECONDS.observe(max(0.0, (now - each.received_at).total_seconds()))
