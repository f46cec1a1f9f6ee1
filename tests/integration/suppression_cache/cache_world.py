"""What the cache's tests share: a small opt-out service, driven by the test, and waiting."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaProducer, TopicPartition

from services.sender import metrics
from shared.events.codec import encode
from shared.events.suppression import (
    CHECKPOINT_KEY,
    WATERMARK_KEY,
    CheckpointPublished,
    SuppressionChanged,
    SuppressionState,
    WatermarkAdvanced,
)
from shared.kafka import new_consumer, new_transactional_producer
from shared.partitions import partition_of
from shared.suppression_digest import MASK, format_digest, key_digest
from shared.suppressions.ask import Asking
from shared.suppressions.fence_pass import FencePass, boottime
from shared.suppressions.follow import CacheFollower
from shared.suppressions.lookup import SuppressionHit, query
from shared.topics import INBOUND_MESSAGES, SUPPRESSIONS

PARTITIONS = 3
LIST = "list:1"
UNFENCED = FencePass(datetime.now(UTC), boottime(), dict.fromkeys(range(PARTITIONS), -1))
"""A pass that no fence gave, for tests that only ask what the cache holds now."""

Record = tuple[int, bytes, bytes | None]
"""Partition, key, value."""


async def until(what: str, condition: Callable[[], bool | Awaitable[bool]], seconds: float = 30.0) -> None:
    """Wait until `condition` (awaited if it can be) is true."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = condition()
                if await found if isinstance(found, Awaitable) else found:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {seconds:.0f} s") from None


class OptOutService:
    """Publishes in transactions what the test says, and keeps in mind what a cache must hold."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer = new_transactional_producer(bootstrap, "stopline-optout-of-the-test")
        self._suppressed: set[tuple[int, str, str, str]] = set()

    async def start(self) -> None:
        await self._producer.start()
        await self.publish([self.checkpoint(partition) for partition in range(PARTITIONS)])

    async def stop(self) -> None:
        await self._producer.stop()

    async def publish(self, records: Iterable[Record], *, abort: bool = False) -> None:
        async with asyncio.timeout(30):
            await self._producer.begin_transaction()
            for partition, key, value in records:
                await self._producer.send_and_wait(SUPPRESSIONS, value, key, partition=partition)
            await (self._producer.abort_transaction() if abort else self._producer.commit_transaction())

    def change(self, account_id: str, phone: str, state: SuppressionState = "opted_out", scope: str = LIST) -> Record:
        partition, key = partition_of(phone, PARTITIONS), (account_id, scope, phone)
        (self._suppressed.discard if state == "opted_in" else self._suppressed.add)((partition, *key))
        return self.published(account_id, phone, state, scope)

    @staticmethod
    def published(account_id: str, phone: str, state: SuppressionState = "opted_out", scope: str = LIST) -> Record:
        event = SuppressionChanged.model_validate_json(
            f'{{"account_id":"{account_id}","scope":"{scope}","phone":"{phone}","state":"{state}",'
            '"cause_event_id":"24b6fe34-41a8-4052-aa12-0343c57102c9","changed_at":"2026-11-24T11:13:00Z"}'
        )
        return partition_of(phone, PARTITIONS), event.key(), encode(event)

    @staticmethod
    def watermark(partition: int, next_offset: int) -> Record:
        return partition, WATERMARK_KEY, encode(WatermarkAdvanced(next_offset=next_offset))

    @staticmethod
    def watermark_of(epoch: str, partition: int, next_offset: int) -> Record:
        event = WatermarkAdvanced(next_offset=next_offset, settings_epoch=epoch, settings_digest="0" * 16)
        return partition, WATERMARK_KEY, encode(event)

    def checkpoint(self, partition: int, *, too_many: int = 0) -> Record:
        mine = [(account, scope, int(phone)) for at, account, scope, phone in self._suppressed if at == partition]
        digest = sum(key_digest(*key) for key in mine) & MASK
        published = CheckpointPublished(
            next_offset=0, suppressed_count=len(mine) + too_many, digest=format_digest(digest)
        )
        return partition, CHECKPOINT_KEY, encode(published)

    async def inbound_end(self, partition: int) -> int:
        async with new_consumer(self._bootstrap) as consumer:
            topic_partition = TopicPartition(INBOUND_MESSAGES, partition)
            return int((await consumer.end_offsets([topic_partition]))[topic_partition])

    @asynccontextmanager
    async def deciding(self, before: Callable[[], Iterable[Record]] = list) -> AsyncIterator[None]:
        """Decide the inbound messages that come from now on; `before` gives what is published ahead of a watermark."""
        async with new_consumer(self._bootstrap, INBOUND_MESSAGES, auto_offset_reset="latest") as consumer:
            for partition in consumer.assignment():
                await consumer.position(partition)

            async def decide() -> None:
                async for record in consumer:
                    await self.publish([*before(), self.watermark(record.partition, record.offset + 1)])

            task = asyncio.create_task(decide())
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait([task])


@asynccontextmanager
async def following(
    bootstrap: str, folder: Path, *, snapshot_seconds: float = 3600, asking: Asking | None = None
) -> AsyncIterator[CacheFollower]:
    """Give a cache that is being filled; it stops gracefully."""
    follower = CacheFollower(bootstrap, PARTITIONS, folder, snapshot_seconds, metrics.CACHE, asking=asking)
    task = asyncio.create_task(follower.run())
    try:
        yield follower
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


def check(follower: CacheFollower, account_id: str, phone: str, scope: str = LIST) -> SuppressionHit | None:
    queries = [query(account_id, (scope,), partition_of(phone, PARTITIONS), phone)]
    return follower.check(UNFENCED, queries).hits[0]


def knows(follower: CacheFollower, account_id: str, phone: str, scope: str = LIST) -> bool:
    return follower.healthy and check(follower, account_id, phone, scope) is not None


def phones_in(partition: int, count: int) -> list[str]:
    numbers = (f"+1415{number:07}" for number in range(5_550_000, 5_560_000))
    return [phone for phone in numbers if partition_of(phone, PARTITIONS) == partition][:count]
