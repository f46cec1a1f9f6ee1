"""Applies the changes of one partition to the keys, the watermark and the proof."""

import asyncio
from collections.abc import Sequence

from shared import tracing
from shared.consumer import Polled
from shared.events.suppression import CheckpointPublished, MarkersPassed, WatermarkAdvanced
from shared.suppressions.account_settings import DigestedAccountSettings, PartitionAccountSettings
from shared.suppressions.confirmable import ConfirmableOptOuts
from shared.suppressions.lookup import SuppressionCache
from shared.suppressions.proof import Proof
from shared.suppressions.read import MANY_CHANGES, Changes, ConfirmableChange, PartitionReader
from shared.suppressions.traced import SUPPRESSION_TRACES
from shared.suppressions.watermarks import Watermarks

_MERGE_IN_THREAD_FROM_KEYS = 100_000
_COMPARE_LAST_OFFSETS = 50_000
"""A rebuild passes many checkpoints, and only those near its end prove anything about what it ends with. An opt-out
service that is in step publishes one at least every 10,000 changes, and within seconds of the last change."""


class PartitionFollower:
    """A follower of one partition, which applies its records in order.

    Attributes:
        read_to: the offset below which everything is applied.
        account_settings: of the accounts whose settings are in the partition.
    """

    def __init__(  # noqa: PLR0913 (what a partition acts on)
        self,
        partition: int,
        partitions: int,
        cache: SuppressionCache,
        watermarks: Watermarks,
        *,
        read_to: int,
        proven: bool,
        account_settings: PartitionAccountSettings,
        confirmable: ConfirmableOptOuts,
    ) -> None:
        self.read_to = read_to
        self.account_settings = account_settings
        self._confirmable = confirmable
        self.reader = PartitionReader(partition, partitions)
        self.proof = Proof(partition, proven=proven)
        self._partition = partition
        self._cache = cache
        self._watermarks = watermarks

    @property
    def needs_checkpoint(self) -> bool:
        """Whether nothing may be sent before another checkpoint has agreed: it is asked for."""
        return bool(self.reader.unreadable) or self.proof.is_explained

    async def apply(self, records: Sequence[Polled], end: int) -> None:
        """Apply records; `end` is the offset at which the partition ends, as far as it is known.

        Raises:
            CheckpointDiffersError: the keys are not what a checkpoint says.
        """
        # Before a watermark among them lets a message pass the fence.
        spans = SUPPRESSION_TRACES.begin(records) if tracing.is_on() else ()
        for step in self.reader.steps(records):
            match step:
                case Changes():
                    for (account_id, _), states in step.by_scope.items():
                        self._confirmable.forget(account_id.decode(), (key for key, _ in states))
                    await self._change(step)
                case ConfirmableChange():
                    self._confirmable.note(step.key, step.event)
                    await self._change(step.changes)
                case DigestedAccountSettings():
                    self.account_settings.apply(step)
                case WatermarkAdvanced():
                    self.account_settings.prove(step.settings_epoch, step.settings_digest)
                    self._watermarks.advance(self._partition, step.next_offset)
                case MarkersPassed():
                    self._pass_markers(step)
                case CheckpointPublished():
                    await self._compare(step, records[-1].offset + 1, end)
        for span in spans:
            span.end()

    def move(self, read_to: int) -> None:
        """Note that everything below `read_to` is applied.

        Raises:
            CheckpointDiffersError: as `apply`.
        """
        self.read_to = read_to
        self.proof.judge(read_to)

    def _pass_markers(self, passed: MarkersPassed) -> None:
        """Move the watermark, unless another session has published one since the session that says so did."""
        is_newer = passed.next_offset > self._watermarks.next_offsets[self._partition]
        if is_newer and passed.settings_epoch == self.account_settings.epoch:
            self._watermarks.advance(self._partition, passed.next_offset)

    async def _change(self, changes: Changes) -> None:
        for (account_id, scope), states in changes.by_scope.items():
            self._cache.apply(account_id.decode(), scope.decode(), states)
        self.proof.note_changes(changes.count)
        for scope_keys in self._cache.due():
            if scope_keys.keys.size >= _MERGE_IN_THREAD_FROM_KEYS:
                await asyncio.to_thread(scope_keys.merge)
            else:
                scope_keys.merge()
        if changes.count >= MANY_CHANGES:
            await asyncio.sleep(0)  # others have a turn: a fence, a health check

    async def _compare(self, checkpoint: CheckpointPublished, records_end: int, end: int) -> None:
        if records_end < end - _COMPARE_LAST_OFFSETS:
            return
        count, digest = await asyncio.to_thread(self._cache.count_and_digest, self._partition)
        if self.proof.compare(checkpoint, count, digest, judge_from=max(records_end, end)):
            self.reader.unreadable.clear()  # whatever could not be read before it has hidden nothing
