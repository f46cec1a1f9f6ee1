"""The opt-out pipeline: STOPs attributed, recorded, published and watermarked, against reading the same records."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.rows import Row, row
from harness.stack.stack import Stack
from shared.events import codec
from shared.events.inbound import MessageReceived, inbound_event_adapter
from shared.events.suppression import WATERMARK_KEY, MarkersPassed, WatermarkAdvanced, suppression_event_adapter
from shared.kafka import new_consumer, new_producer
from shared.partitions import partition_of
from shared.topics import INBOUND_MESSAGES, SUPPRESSIONS

_NUMBER = "+18335550123"
_MAX_BATCH_BYTES = 512 * 1024

_SENT = """
INSERT INTO sent_messages (account_id, message_id, list_id, phone, sender_number, outcome, dispatched_at)
SELECT 'bench', 'm-' || n, 1 + n % 100, '+1' || (2000000000 + n), $3, 'sent', now() - interval '1 hour'
FROM generate_series($1::bigint, $2::bigint) n ON CONFLICT DO NOTHING
"""

_RECORDED = """
INSERT INTO decisions (event_id, partition, sequence, inbound_offset, account_id, phone, body, decided_at, entry, hash)
SELECT gen_random_uuid(), 1000 + n % 6, n, n, 'old', '+1' || (2000000000 + n % 3000000), 'Thanks', now(),
    repeat('x', 600), sha256(int8send(n))
FROM generate_series($1::bigint, $2::bigint) n
"""


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    """Return the rows: throughput against the baseline, and against itself with many recorded messages."""
    count, recorded = (4_000, 20_000) if quick else (60_000, 5_000_000)
    for service in ("inbound", "sender"):
        await stack.services[service].stop()
    rate, baseline = await _round(stack, 0, count)
    await _load_recorded(stack, recorded)
    grown, _ = await _round(stack, count, count)
    for service in ("inbound", "sender"):
        await stack.services[service].start()
    return [
        row("opt-out pipeline, STOPs a second", rate, "/s", baseline, "≥ 0.10"),
        row(f"the same with {recorded:,} recorded messages", grown, "/s", rate, "≥ 0.8"),
    ]


async def _round(stack: Stack, first: int, count: int) -> tuple[float, float]:
    """Return STOPs a second through the pipeline, and through a bare consumer that validates them."""
    partitions = stack.kafka_settings().partitions
    phones = [f"+1{2_000_000_000 + n}" for n in range(first, first + count)]
    await _load_sent(stack, first, count)
    optout = stack.services["optout"]
    await optout.stop()
    begins = await _ends(stack)
    await _produce(stack, phones, partitions)
    baseline = await _consume(stack, begins, count)
    async with _watermarks(stack) as consumer:
        await optout.start(wait=False)
        rate = await _rate(consumer, begins, await _ends(stack))
    await optout.wait_ready()
    return rate, baseline


async def _load_sent(stack: Stack, first: int, count: int) -> None:
    connection = await asyncpg.connect(stack.backend.optout_database_url)
    await connection.execute(_SENT, first, first + count - 1, _NUMBER)
    await connection.close()


async def _load_recorded(stack: Stack, recorded: int) -> None:
    connection = await asyncpg.connect(stack.backend.optout_database_url)
    for first in range(0, recorded, 100_000):
        await connection.execute(_RECORDED, first, min(first + 100_000, recorded) - 1)
    await connection.execute("ANALYZE decisions")
    await connection.close()


def _stop(phone: str) -> MessageReceived:
    return MessageReceived(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        account_id="bench",
        gateway="bench",
        phone=phone,
        sender_number=_NUMBER,
        body="STOP",
    )


async def _produce(stack: Stack, phones: Sequence[str], partitions: int) -> None:
    producer = new_producer(stack.backend.kafka_bootstrap, max_batch_size=_MAX_BATCH_BYTES)
    await producer.start()
    builders = {p: producer.create_batch() for p in range(partitions)}
    for phone in phones:
        p = partition_of(phone, partitions)
        event = _stop(phone)
        record = {
            "key": phone.encode(),
            "value": codec.encode(event),
            "timestamp": None,
            "headers": codec.cloud_event_headers(event, "bench"),
        }
        if builders[p].append(**record) is None:
            await (await producer.send_batch(builders[p], INBOUND_MESSAGES, partition=p))
            builders[p] = producer.create_batch()
            builders[p].append(**record)
    for p, builder in builders.items():
        await (await producer.send_batch(builder, INBOUND_MESSAGES, partition=p))
    await producer.stop()


async def _ends(stack: Stack) -> dict[int, int]:
    consumer = new_consumer(stack.backend.kafka_bootstrap, INBOUND_MESSAGES, auto_offset_reset="latest")
    await consumer.start()
    ends = await consumer.end_offsets(consumer.assignment())
    await consumer.stop()
    return {tp.partition: end for tp, end in ends.items()}


async def _consume(stack: Stack, begins: dict[int, int], count: int) -> float:
    """Return records a second of a consumer that validates them and does nothing else."""
    consumer = new_consumer(stack.backend.kafka_bootstrap, INBOUND_MESSAGES, auto_offset_reset="latest")
    await consumer.start()
    for p, begin in begins.items():
        consumer.seek(TopicPartition(INBOUND_MESSAGES, p), begin)
    started, seen = time.perf_counter(), 0
    while seen < count:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=2000)).values():
            for record in records:
                codec.decode(inbound_event_adapter, record.value)
            seen += len(records)
    elapsed = time.perf_counter() - started
    await consumer.stop()
    return count / elapsed


@asynccontextmanager
async def _watermarks(stack: Stack) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = new_consumer(
        stack.backend.kafka_bootstrap, SUPPRESSIONS, auto_offset_reset="latest", isolation_level="read_committed"
    )
    await consumer.start()
    for tp in consumer.assignment():
        await consumer.position(tp)
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _rate(consumer: AIOKafkaConsumer, begins: dict[int, int], ends: dict[int, int]) -> float:
    """Return offsets a second, from the watermark that the service publishes as it starts to the last."""
    reached = dict(begins)
    first: tuple[float, int] | None = None
    while any(reached[p] < end for p, end in ends.items()):
        polled = await consumer.getmany(timeout_ms=1000, max_records=5000)
        for tp, records in polled.items():
            marks = [record for record in records if record.key == WATERMARK_KEY]
            if marks:
                event = codec.decode(suppression_event_adapter, marks[-1].value)
                if isinstance(event, WatermarkAdvanced | MarkersPassed):
                    reached[tp.partition] = event.next_offset
        done = sum(reached[p] - begins[p] for p in begins)
        if first is None and polled:
            first = time.perf_counter(), done
        await asyncio.sleep(0)
    assert first is not None
    elapsed = time.perf_counter() - first[0]
    total = sum(ends[p] - begins[p] for p in begins)
    return (total - first[1]) / max(elapsed, 1e-3)
