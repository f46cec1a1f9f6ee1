"""The fence, idle, with the stack's opt-out service, against an acknowledged append to the same partition.

Both by the same producer, in turns, each after the one before is decided, so that both meet an idle system.

    python -m benchmarks.fence --bootstrap 127.0.0.1:9092 [--quick]
"""

import argparse
import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from benchmarks.rows import Row, row
from services.sender import metrics
from shared.events.codec import cloud_event_headers, encode
from shared.events.inbound import FenceMarkerAppended
from shared.kafka import new_consumer, new_producer
from shared.suppressions.fence import Fence
from shared.suppressions.follow import CacheFollower
from shared.suppressions.markers import Markers
from shared.topics import INBOUND_MESSAGES

_SECONDS = 60.0
_PARTITION = 0


async def run(bootstrap: str, quick: bool) -> list[Row]:
    times = 200 if quick else 3_000
    async with following(bootstrap) as (cache, producer):
        appends, fences = await _measure(producer, cache, times)
    return [
        row("fence idle, p50", percentile(fences, 50), "ms", percentile(appends, 50), "≤ 4"),
        row("fence idle, p99", percentile(fences, 99), "ms", percentile(appends, 99), "≤ 10"),
    ]


@asynccontextmanager
async def following(bootstrap: str) -> AsyncIterator[tuple[CacheFollower, AIOKafkaProducer]]:
    """Lend what a sender's fence needs: a cache that is ready, and a producer for the markers alone."""
    with tempfile.TemporaryDirectory() as folder:
        cache = CacheFollower(bootstrap, await _partitions(bootstrap), Path(folder), 3600, metrics.CACHE)
        task = asyncio.create_task(cache.run())
        try:
            async with new_producer(bootstrap) as producer:
                await _until_ready(cache)
                yield cache, producer
        finally:
            task.cancel()
            await asyncio.wait([task])


def new_fence(cache: CacheFollower, producer: AIOKafkaProducer) -> Fence:
    return Fence(Markers(producer, "stopline/benchmark"), cache, _SECONDS)


async def _measure(producer: AIOKafkaProducer, cache: CacheFollower, times: int) -> tuple[list[float], list[float]]:
    fence = new_fence(cache, producer)
    appends, fences = [], []
    for _ in range(times):
        started = time.perf_counter()
        offset = await _append(producer)
        appends.append(time.perf_counter() - started)
        async with asyncio.timeout(_SECONDS):
            await cache.wait_for_watermark(_PARTITION, offset + 1)
        started = time.perf_counter()
        await fence.wait({_PARTITION})
        fences.append(time.perf_counter() - started)
    return appends, fences


async def _append(producer: AIOKafkaProducer) -> int:
    """Append what the fence appends; return its offset."""
    marker = FenceMarkerAppended(marker_id=uuid4())
    headers = cloud_event_headers(marker, "stopline/benchmark")
    appended = await producer.send_and_wait(INBOUND_MESSAGES, encode(marker), partition=_PARTITION, headers=headers)
    return int(appended.offset)


def percentile(seconds: list[float], percent: int) -> float:
    """Return a percentile in milliseconds."""
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000


async def _partitions(bootstrap: str) -> int:
    async with new_consumer(bootstrap, INBOUND_MESSAGES, auto_offset_reset="latest") as consumer:
        return len(consumer.assignment())


async def _until_ready(cache: CacheFollower) -> None:
    async with asyncio.timeout(_SECONDS):
        while True:
            if cache.healthy:
                return
            await asyncio.sleep(0.05)


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level="WARNING")
    print(json.dumps(asyncio.run(run(arguments.bootstrap, arguments.quick)), indent=2))


if __name__ == "__main__":
    _main()
