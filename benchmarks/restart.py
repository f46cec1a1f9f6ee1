"""A sender's cache after a restart: from its snapshot, and rebuilt from the topic against raw consumption of the same.

The topic is one of the benchmark's own, written as the opt-out service writes its (the same values, keys and headers),
without compaction's help: every key is there once. Rebuild and raw consumption take turns in one process.

    python -m benchmarks.restart --bootstrap 127.0.0.1:9092 [--quick]
"""

import argparse
import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.cache import keys_of_list
from benchmarks.rows import Row, row
from services.sender import metrics
from shared.events.codec import Headers, cloud_event_headers, encode
from shared.events.suppression import (
    CHECKPOINT_KEY,
    CheckpointPublished,
    SuppressionChanged,
)
from shared.kafka import new_consumer, new_producer
from shared.suppression_digest import format_digest, key_digest
from shared.suppressions.account_settings import KeptAccountSettings
from shared.suppressions.follow import CacheFollower
from shared.suppressions.keep import SNAPSHOT_FILE
from shared.suppressions.keys import Keys
from shared.suppressions.lookup import AccountScope
from shared.suppressions.placement import partitions_of
from shared.suppressions.snapshot import Origin, Snapshot, write_snapshot
from shared.topic_identity import TopicIdentities

PARTITIONS = 6
LISTS = 100
_ACCOUNT = "bench"
_BATCH_BYTES = 512 * 1024
_SECONDS = 600.0
_CAUSE = UUID("24b6fe34-41a8-4052-aa12-0343c57102c9")
_STATE_AT = "2026-11-24T11:13:00.000000Z"

Record = tuple[int, bytes, bytes, Headers]


async def run(bootstrap: str, quick: bool) -> list[Row]:
    in_snapshot, in_topic, rounds = (200_000, 30_000, 1) if quick else (10_000_000, 1_000_000, 3)
    async with _own_topic(bootstrap) as topic:
        await _write(bootstrap, topic, in_topic)
        raw, rebuilt = [], []
        for _ in range(rounds):
            raw.append(await _consume(bootstrap, topic))
            rebuilt.append(await _rebuild(bootstrap, topic, in_topic))
        ready = [await _from_snapshot(bootstrap, topic, in_snapshot) for _ in range(rounds)]
    return [
        row(f"cache ready from a snapshot of {in_snapshot:,}", statistics.median(ready), "s", aim="≤ 2"),
        row(
            f"cache rebuilt from a topic of {in_topic:,}, records a second",
            in_topic / statistics.median(rebuilt),
            "/s",
            in_topic / statistics.median(raw),
            "≥ 0.3",
        ),
    ]


@asynccontextmanager
async def _own_topic(bootstrap: str) -> AsyncIterator[str]:
    name = f"bench-suppressions-{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs={"cleanup.policy": "compact"})])
        yield name
    finally:
        await admin.delete_topics([name])
        await admin.close()


async def _write(bootstrap: str, topic: str, count: int) -> None:
    async with new_producer(bootstrap, max_batch_size=_BATCH_BYTES) as producer:
        batches = [producer.create_batch() for _ in range(PARTITIONS)]
        for partition, key, value, headers in _records(count):
            if batches[partition].append(key=key, value=value, timestamp=None, headers=headers) is None:
                await (await producer.send_batch(batches[partition], topic, partition=partition))
                batches[partition] = producer.create_batch()
                batches[partition].append(key=key, value=value, timestamp=None, headers=headers)
        for partition, batch in enumerate(batches):
            await (await producer.send_batch(batch, topic, partition=partition))


def _records(count: int) -> Iterator[Record]:
    """Give suppressions of all lists, mixed, and a checkpoint of each partition at the end."""
    phones = [f"+1{4_000_000_000 + n * 7_919 % 5_999_999_989}" for n in range(count)]
    placed = partitions_of([phone.encode() for phone in phones], PARTITIONS)
    counts, digests = [0] * PARTITIONS, [0] * PARTITIONS
    pattern = SuppressionChanged.model_validate_json(
        f'{{"account_id":"{_ACCOUNT}","scope":"list:1","phone":"+14155550100","state":"opted_out",'
        f'"cause_event_id":"{_CAUSE}","changed_at":"{_STATE_AT}"}}'
    )
    for number, (phone, partition) in enumerate(zip(phones, placed, strict=True)):
        event = pattern.model_copy(update={"scope": f"list:{1 + number % LISTS}", "phone": phone})
        counts[partition] += 1
        digests[partition] += key_digest(_ACCOUNT, event.scope, int(phone))
        yield partition, event.key(), encode(event), cloud_event_headers(event, "stopline/optout")
    for partition in range(PARTITIONS):
        published = CheckpointPublished(
            next_offset=0, suppressed_count=counts[partition], digest=format_digest(digests[partition])
        )
        yield partition, CHECKPOINT_KEY, encode(published), cloud_event_headers(published, "stopline/optout")


async def _consume(bootstrap: str, topic: str) -> float:
    """Return the seconds that it takes to consume the topic and to do nothing with it."""
    started = time.perf_counter()
    async with new_consumer(
        bootstrap, isolation_level="read_committed", max_partition_fetch_bytes=4 * 1024 * 1024
    ) as consumer:
        partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        ends = await consumer.end_offsets(partitions)
        left = sum(ends.values())
        while left:
            polled = await consumer.getmany(timeout_ms=1000, max_records=5000)
            left -= sum(map(len, polled.values()))
    return time.perf_counter() - started


async def _rebuild(bootstrap: str, topic: str, count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return await _until_healthy(bootstrap, topic, Path(folder), count)


async def _from_snapshot(bootstrap: str, topic: str, count: int) -> float:
    """Return the seconds until a cache is ready that has a snapshot of this many keys, made at the end of the topic."""
    with tempfile.TemporaryDirectory() as folder:
        origin, positions = await _place(bootstrap, topic)
        snapshot = Snapshot(
            origin, positions, [0] * PARTITIONS, list(_scopes(count)), [KeptAccountSettings()] * PARTITIONS
        )
        await asyncio.to_thread(write_snapshot, Path(folder) / SNAPSHOT_FILE, snapshot)
        del snapshot
        return await _until_healthy(bootstrap, topic, Path(folder), count)


def _scopes(count: int) -> Iterator[tuple[AccountScope, Keys]]:
    for number in range(LISTS):
        yield (_ACCOUNT, f"list:{1 + number}"), np.sort(keys_of_list(number, count))


async def _place(bootstrap: str, topic: str) -> tuple[Origin, list[int]]:
    partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    async with new_consumer(bootstrap) as consumer:
        ends = await consumer.end_offsets(partitions)
    identities = TopicIdentities(bootstrap, topic)
    identity = (await identities.look())[topic]
    await identities.close()
    return Origin(identity, topic, PARTITIONS), [ends[partition] for partition in partitions]


async def _until_healthy(bootstrap: str, topic: str, folder: Path, count: int) -> float:
    started = time.perf_counter()
    cache = CacheFollower(bootstrap, PARTITIONS, folder, 3600, metrics.CACHE, topic=topic)
    following = asyncio.create_task(cache.run())
    try:
        async with asyncio.timeout(_SECONDS):
            while True:
                if cache.healthy:
                    break
                await asyncio.sleep(0.01)
        elapsed = time.perf_counter() - started
        assert cache._state is not None
        found = cache._state.cache.count()
        assert found == count, f"{found} keys, not {count}"
    finally:
        following.cancel()
        await asyncio.wait([following])
    return elapsed


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level="WARNING")
    print(json.dumps(asyncio.run(run(arguments.bootstrap, arguments.quick)), indent=2))


if __name__ == "__main__":
    _main()
