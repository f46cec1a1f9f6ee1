"""Follows the topic `suppressions`, all partitions, without a group: every process that decides holds all of it.

When in doubt, nothing is sent: `check` and `wait_for_watermark` raise `TransientError` and messages wait in Kafka while

* the topic has not been read to its end,
* a partition has had no checkpoint yet, or one that differs from the cache,
* a record could not be read, and no checkpoint after it has agreed,
* the consumer is being opened again,
* the accounts' settings of a partition are not those that its watermark vouches for: then `account_settings` raises.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.errors import TransientError
from shared.kafka_connection import Kafka
from shared.partitions import partition_of
from shared.suppressions.account_settings import SettingsByAccount
from shared.suppressions.ask import Asking
from shared.suppressions.confirmable import ConfirmableOptOut
from shared.suppressions.fence_pass import FencePass
from shared.suppressions.keep import SnapshotKeeper
from shared.suppressions.keys import cache_key
from shared.suppressions.lookup import CheckedSuppressions, Query, partitions_in
from shared.suppressions.metrics import CacheMetrics
from shared.suppressions.proof import CheckpointDiffersError
from shared.suppressions.snapshot import Origin
from shared.suppressions.state import CacheState, fits
from shared.suppressions.topic import StuckDetector, SuppressionsTopic, TruncatedTopicError
from shared.topic_identity import TopicIdentities
from shared.topics import INBOUND_MESSAGES, SUPPRESSIONS

log = logging.getLogger(__name__)

STUCK_SECONDS = 5.0
_LOOK_SECONDS = 1.0
_POLL_MS = 1_000
_CATCH_UP_POLL_MS = 50
_BATCH_RECORDS = 5_000
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_LAST_SNAPSHOT_SECONDS = 4.0


class CacheFollower:
    """A follower of the topic: `run` follows until cancelled; the other methods may be called meanwhile.

    Args:
        kafka: how Kafka is reached.
        partitions: how many the topic has.
        folder: where the snapshot is kept.
        snapshot_seconds: how often it is written, where anything changed.
        metrics: of the cache of this process.
        topic: what is followed; another name in benchmarks only.
        asking: asks for checkpoints where a record cannot be read; without it they come when they come.
    """

    def __init__(  # noqa: PLR0913 (one is for benchmarks)
        self,
        kafka: Kafka,
        partitions: int,
        folder: Path,
        snapshot_seconds: float,
        metrics: CacheMetrics,
        *,
        topic: str = SUPPRESSIONS,
        asking: Asking | None = None,
    ) -> None:
        self.partitions = partitions
        self._topic = SuppressionsTopic(kafka, partitions, topic)
        # Watermarks are offsets of `inbound-messages`, published in `suppressions`: both must still be the same topics.
        self._identities = TopicIdentities(kafka, topic, INBOUND_MESSAGES)
        self._read_from: dict[str, str] = {}
        self._looked_at = 0.0
        self._keeper = SnapshotKeeper(folder, snapshot_seconds, time.monotonic(), metrics)
        self._state: CacheState | None = None
        self._doubts: list[str] = ["the topic is not read yet"]
        self._failures = 0
        self._asking = asking
        self._metrics = metrics

    @property
    def healthy(self) -> bool:
        """Whether the cache knows all suppressions that the topic holds, and nothing speaks against them."""
        return not self._doubts

    @property
    def doubts(self) -> Sequence[str]:
        """The reasons not to trust the suppressions, a line each."""
        return self._doubts

    def check(self, fence_pass: FencePass, queries: Sequence[Query]) -> CheckedSuppressions:
        """Return the suppressions of messages whose partitions have passed the fence.

        Raises:
            TransientError: the cache is in doubt, or its watermarks went back since the fence; nothing may be sent.
        """
        if not partitions_in(queries) <= fence_pass.partitions:
            raise AssertionError("asked about partitions that no fence was completed for")
        state = self._sure_state().passed(fence_pass)
        return CheckedSuppressions(fence_pass, state.cache.hits(queries), (state, self._read_from))

    def account_settings(self, fence_pass: FencePass, account_ids: Iterable[str]) -> SettingsByAccount:
        """Return the settings of accounts whose partitions have passed the fence.

        Raises:
            TransientError: the cache is in doubt, or has not all of them; nothing may be sent.
        """
        partitions = {each: partition_of(each, self.partitions) for each in account_ids}
        state = self._sure_state().passed(fence_pass)
        if not fence_pass.partitions.issuperset(partitions.values()):
            raise AssertionError("asked about accounts whose partition no fence was completed for")
        for number in sorted(set(partitions.values())):
            if not state.partitions[number].account_settings.is_whole:
                raise TransientError(f"the accounts' settings of partition {number} are not complete")
        return {each: state.partitions[number].account_settings.of(each) for each, number in partitions.items()}

    def confirmable(self, fence_pass: FencePass, account_id: str, phone: str) -> ConfirmableOptOut | None:
        """Return the opt-out that may be confirmed to a recipient whose partition has passed the fence; as `check`."""
        state, partition = self._sure_state().passed(fence_pass), partition_of(phone, self.partitions)
        if partition not in fence_pass.partitions:
            raise AssertionError("asked about a recipient whose partition no fence was completed for")
        return state.confirmable.get(account_id, cache_key(partition, phone))

    def likely_account_settings(self, account_ids: Iterable[str]) -> SettingsByAccount:
        """Return the settings as they are known before a fence: enough to prepare a decision, never to make it.

        Raises:
            TransientError: the cache is in doubt.
        """
        partitions = self._sure_state().partitions
        return {each: partitions[partition_of(each, self.partitions)].account_settings.of(each) for each in account_ids}

    def silent(self, seconds: float) -> list[int]:
        """Return the partitions about which the opt-out service has published nothing for this long."""
        return self._state.watermarks.silent(seconds) if self._state is not None else []

    def watermark(self, partition: int) -> int:
        """Return the newest watermark of the inbound partition.

        Raises:
            TransientError: the cache is not whole.
        """
        return self._sure_state().watermarks.next_offsets[partition]

    async def wait_for_watermark(self, partition: int, next_offset: int) -> None:
        """Wait until the cache has what was decided below `next_offset` of the inbound partition.

        Raises:
            TransientError: the cache is not whole.
        """
        await self._sure_state().watermarks.wait_for(partition, next_offset)

    async def verify_source(self, checked: CheckedSuppressions) -> None:
        """Return once Kafka has said, after this call, that the topics are those that `checked` was read from.

        Raises:
            TransientError: they are not, Kafka is unavailable, or the cache is not whole: do not act on the decision.
        """
        await self._look()
        if (self._sure_state(), self._read_from) != checked.source:
            raise TransientError("the suppression cache was rebuilt meanwhile")

    async def _look(self) -> None:
        identities = await self._identities.look()
        if identities != self._read_from:
            raise TransientError(f"a topic was recreated: {identities}, not {self._read_from} any more")

    def _sure_state(self) -> CacheState:
        if self._doubts or self._state is None:
            raise TransientError(f"the suppression cache is not ready: {'; '.join(self._doubts)}")
        return self._state

    async def run(self) -> None:
        """Follow until cancelled; whatever goes wrong makes the cache unhealthy until it is whole again."""
        try:
            while True:
                await self._session()
                await asyncio.sleep(_BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS) - 1)])
                self._failures += 1
        finally:
            await self._keep_the_last()
            await self._identities.close()

    async def _session(self) -> None:
        try:
            await self._follow()
        except CheckpointDiffersError as error:
            self._metrics.diverged.inc()
            log.critical("the suppression cache is wrong; it is rebuilt, nothing is sent meanwhile: %s", error)
            why = f"the cache is rebuilt, a checkpoint differed: {error}"
            self._forget(why)
        except TruncatedTopicError as error:
            log.critical("nothing is sent: %s", error)
            why = str(error)
        except (TransientError, KafkaError, OSError) as error:
            log.warning("the topic of the suppression cache is opened again: %r", error)
            why = f"{error!r}"
        # Not on cancellation: what is known then goes to disk.
        self._doubt([why])

    def _forget(self, why: str) -> None:
        if self._state is not None:
            self._state.watermarks.fail(why)
        self._state = None
        self._keeper.forget()

    def _doubt(self, doubts: list[str]) -> None:
        self._doubts = doubts
        self._metrics.healthy.set(not doubts)
        if doubts and self._state is not None:
            self._state.watermarks.fail("; ".join(doubts))

    async def _follow(self) -> NoReturn:
        async with self._topic.consumer() as consumer:
            state, ends = await self._begin(consumer)
            stuck = StuckDetector(STUCK_SECONDS, time.monotonic())
            caught_up = state.has_reached(ends)
            self._set_doubts(state, caught_up=caught_up)
            while True:
                timeout_ms = _POLL_MS if caught_up else _CATCH_UP_POLL_MS
                await self._poll(consumer, state, ends, timeout_ms)
                caught_up = caught_up or state.has_reached(ends)
                self._set_doubts(state, caught_up=caught_up)
                await self._now_and_then(consumer, state, stuck)

    async def _begin(self, consumer: AIOKafkaConsumer) -> tuple[CacheState, list[int]]:
        """Go on where we were, or where the snapshot was made, or at the beginning of the topic."""
        self._read_from = await self._identities.look()
        origin = self._topic.origin(self._read_from)
        ends = await self._topic.ends(consumer)
        if self._state is None or not self._state.fits(origin, ends):
            if self._state is not None:
                log.warning("%s is not the topic it was: reading it again", SUPPRESSIONS)
            self._state = await self._first_state(origin, ends)
        self._topic.seek(consumer, self._state.read_to)
        return self._state, ends

    async def _first_state(self, origin: Origin, ends: Sequence[int]) -> CacheState:
        snapshot = await self._keeper.read(origin)
        if snapshot is not None and not fits(snapshot.origin, snapshot.read_to, origin, ends):
            log.warning("the snapshot is not used: it is further than the topic")
            snapshot = None
        return CacheState(origin, snapshot)

    async def _poll(self, consumer: AIOKafkaConsumer, state: CacheState, ends: Sequence[int], timeout_ms: int) -> None:
        polled = await consumer.getmany(timeout_ms=timeout_ms, max_records=_BATCH_RECORDS)
        for topic_partition, records in polled.items():
            partition = topic_partition.partition
            end = max(ends[partition], self._topic.end_of(consumer, partition))
            await state.partitions[partition].apply(records, end)
            self._metrics.records.inc(len(records))
        for follower, read_to in zip(state.partitions, await self._topic.positions(consumer), strict=True):
            follower.move(read_to)
        await asyncio.sleep(0)  # a rebuild must not starve the health checks

    def _set_doubts(self, state: CacheState, *, caught_up: bool) -> None:
        doubts = state.doubts() if caught_up else ["the topic is not read to its end"]
        if doubts != self._doubts:
            self._log_doubts(state, doubts)
        self._doubt(doubts)

    def _log_doubts(self, state: CacheState, doubts: list[str]) -> None:
        if doubts:
            log.warning("the suppression cache is not ready: %s", "; ".join(doubts))
        else:
            self._failures = 0
            log.info("the suppression cache is ready: %d keys", state.cache.count())

    async def _now_and_then(self, consumer: AIOKafkaConsumer, state: CacheState, stuck: StuckDetector) -> None:
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            await self._look()
        unsure = [number for number, each in enumerate(state.partitions) if each.needs_checkpoint]
        if unsure and self._asking is not None:
            await self._asking.ask(unsure, now)
        if stuck.is_due(now):
            ends = await self._topic.ends(consumer)
            found = stuck.look(now, dict(enumerate(state.read_to)), dict(enumerate(ends)))
            if found:
                raise TransientError(f"the consumer of {SUPPRESSIONS} is stuck at partitions {found}")
        if self.healthy and self._keeper.is_due(now):
            await self._keeper.write(state, now)

    async def _keep_the_last(self) -> None:
        if not self.healthy or self._state is None:
            return
        try:
            async with asyncio.timeout(_LAST_SNAPSHOT_SECONDS):
                await self._keeper.write_last(self._state, time.monotonic())
        except TimeoutError:
            log.warning("no snapshot at the end: the next start reads more of the topic")
        self._doubt(["the process stops"])
