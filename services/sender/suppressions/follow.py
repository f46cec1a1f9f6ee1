"""Follows the topic `suppressions`, all partitions, without a group: every sender holds all of it.

What is not certain forbids sending: until the topic is read to its end, after a checkpoint that differs, and while the
consumer is being made anew, `check` and the fence raise `TransientError`, and messages wait in Kafka.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.sender import metrics
from services.sender.suppressions.apply import CheckpointDiffersError, apply_record
from services.sender.suppressions.lookup import Query, Suppression, SuppressionCache
from services.sender.suppressions.snapshot import Origin, Snapshot, read_snapshot, write_snapshot
from services.sender.suppressions.watermarks import Watermarks
from shared.errors import PoisonError, TransientError
from shared.kafka import SEND_SECONDS, START_SECONDS, new_consumer, stop_quietly, within
from shared.topics import SUPPRESSIONS

log = logging.getLogger(__name__)

SNAPSHOT_FILE = "suppressions.snapshot"
_POLL_MS = 1000
_BATCH_RECORDS = 2_000
_RESTART_SECONDS = 0.5
_STUCK_AFTER_EMPTY_POLLS = 5


class CacheFollower:
    """`run` follows until cancelled; the other methods may be called meanwhile.

    Args:
        bootstrap: Kafka's address.
        partitions: how many the topic has.
        folder: where the snapshot is kept.
        snapshot_seconds: how often it is written, where anything changed.
    """

    def __init__(self, bootstrap: str, partitions: int, folder: Path, snapshot_seconds: float) -> None:
        self._bootstrap = bootstrap
        self.partitions = partitions
        self._partitions = [TopicPartition(SUPPRESSIONS, p) for p in range(partitions)]
        self._path = folder / SNAPSHOT_FILE
        self._snapshot_seconds = snapshot_seconds
        self._begin_from(None)
        self._use_snapshot = True
        self._caught_up = False
        self._origin: Origin | None = None
        self._snapshot_at = time.monotonic()
        self._changed = False

    @property
    def healthy(self) -> bool:
        """Whether the cache knows all that the topic holds, and nothing speaks against it."""
        return self._caught_up

    def check(self, queries: Sequence[Query]) -> list[Suppression | None]:
        """Return what `SuppressionCache.check` does.

        Raises:
            TransientError: the cache is not whole; nothing may be sent.
        """
        if not self._caught_up:
            raise TransientError("the suppression cache is not ready")
        return self._cache.check(queries)

    async def wait_for_watermark(self, partition: int, next_offset: int) -> None:
        """Wait until the cache has what was decided below `next_offset` of the inbound partition.

        Raises:
            TransientError: the cache is not whole.
        """
        if not self._caught_up:
            raise TransientError("the suppression cache is not ready")
        await self._watermarks.wait_for(partition, next_offset)

    async def run(self) -> None:
        """Follow until cancelled; whatever goes wrong makes the cache unhealthy until it is whole again."""
        while True:
            try:
                await self._follow()
            except CheckpointDiffersError as error:
                metrics.CACHE_DIVERGED.inc()
                log.critical("the suppression cache is rebuilt, nothing is sent meanwhile: %s", error)
                self._use_snapshot = False
            except PoisonError as error:
                log.critical("a record of %s cannot be read, nothing is sent: %s", SUPPRESSIONS, error)
            except (TransientError, KafkaError, OSError) as error:
                log.warning("the suppression cache begins anew: %s", error)
            finally:
                self._caught_up = False
                self._watermarks.fail("the suppression cache begins anew")
            await asyncio.sleep(_RESTART_SECONDS)

    async def _follow(self) -> None:
        consumer = new_consumer(
            self._bootstrap, isolation_level="read_committed", max_partition_fetch_bytes=4 * 1024 * 1024
        )
        try:
            await within(START_SECONDS, consumer.start(), "connecting to Kafka")
            await self._begin(consumer)
            ends = await self._ends(consumer)
            while True:
                await self._apply(await consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH_RECORDS))
                if not self._caught_up and await self._has_reached(consumer, ends):
                    self._caught_up = True
                    log.info("the suppression cache is ready with %d keys", len(self._cache))
                await self._check_not_stuck(consumer)
                await self._snapshot_now_and_then(consumer)
        finally:
            await self._stop(consumer)

    async def _begin(self, consumer: AIOKafkaConsumer) -> None:
        """Go to where the snapshot was made, or to the beginning of the topic."""
        consumer.assign(self._partitions)
        self._empty_polls = 0
        self._origin = Origin(await self._cluster_id(), SUPPRESSIONS, len(self._partitions))
        snapshot = read_snapshot(self._path, self._origin) if self._use_snapshot else None
        begins = await within(SEND_SECONDS, consumer.beginning_offsets(self._partitions), "asking for the begins")
        if any(begins.values()):
            raise TransientError(f"{SUPPRESSIONS} has lost its first records: {begins}; restore it, nothing is sent")
        ends = await self._ends(consumer)
        if snapshot is not None and any(snapshot.positions[tp.partition] > ends[tp] for tp in self._partitions):
            log.warning("the snapshot is not used: it is further than the topic")
            snapshot = None
        self._begin_from(snapshot)
        for tp in self._partitions:
            consumer.seek(tp, snapshot.positions[tp.partition] if snapshot else 0)

    def _begin_from(self, snapshot: Snapshot | None) -> None:
        self._cache = SuppressionCache(snapshot.scopes if snapshot else ())
        self._watermarks = Watermarks(list(snapshot.watermarks) if snapshot else [0] * len(self._partitions))

    async def _cluster_id(self) -> str:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            await within(START_SECONDS, admin.start(), "connecting to Kafka")
            described = await within(SEND_SECONDS, admin.describe_cluster(), "asking for the cluster's id")
        finally:
            async with asyncio.timeout(SEND_SECONDS):
                await admin.close()
        return str(described["cluster_id"])

    async def _ends(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        ends: dict[TopicPartition, int] = await within(
            SEND_SECONDS, consumer.end_offsets(self._partitions), "asking for the ends"
        )
        return ends

    async def _has_reached(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
        for tp in self._partitions:
            if await within(SEND_SECONDS, consumer.position(tp), "asking for a position") < ends[tp]:
                return False
        return True

    async def _apply(self, polled: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        self._empty_polls = 0 if polled else self._empty_polls + 1
        for records in polled.values():
            self._changed = True
            for record in records:
                apply_record(record, self._cache, self._watermarks)
            metrics.CACHE_RECORDS.inc(len(records))
        await asyncio.sleep(0)  # a rebuild must not starve the health checks

    async def _check_not_stuck(self, consumer: AIOKafkaConsumer) -> None:
        """Begin anew where Kafka has more and the consumer does not deliver it, as happens after a broker's restart."""
        if not self._empty_polls or self._empty_polls % _STUCK_AFTER_EMPTY_POLLS:
            return
        if not await self._has_reached(consumer, await self._ends(consumer)):
            raise TransientError(f"the consumer of {SUPPRESSIONS} is stuck")

    async def _snapshot_now_and_then(self, consumer: AIOKafkaConsumer) -> None:
        if self._caught_up and self._changed and time.monotonic() - self._snapshot_at > self._snapshot_seconds:
            await self._write_snapshot(consumer)

    async def _write_snapshot(self, consumer: AIOKafkaConsumer) -> None:
        assert self._origin is not None  # noqa: S101 (set before anything is read)
        positions = [await within(SEND_SECONDS, consumer.position(tp), "a position") for tp in self._partitions]
        snapshot = Snapshot(self._origin, positions, list(self._watermarks.next_offsets), list(self._cache.arrays()))
        self._changed, self._snapshot_at = False, time.monotonic()
        try:
            await asyncio.to_thread(write_snapshot, self._path, snapshot)
        except OSError as error:
            log.error("the snapshot could not be written, a restart will read the whole topic: %s", error)  # noqa: TRY400

    async def _stop(self, consumer: AIOKafkaConsumer) -> None:
        try:
            if self._caught_up and self._changed:
                await asyncio.wait_for(self._write_snapshot(consumer), SEND_SECONDS)
        except (TimeoutError, TransientError):
            log.warning("no snapshot at the end: the next start reads more of the topic")
        finally:
            await stop_quietly(consumer)
