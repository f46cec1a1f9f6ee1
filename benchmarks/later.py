"""Messages for later: how fast they leave when they are due, beside messages straight from Kafka; and a full table."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import asyncpg
import psutil

from benchmarks.rows import Row, row
from benchmarks.sender import LATENCY_SECONDS, Rate, have_account, new_request, outcome_rate, produce_requests
from harness.sandbox.client import SandboxClient
from harness.stack.service import Service
from harness.stack.stack import Stack
from services.sender.waiting.due import TakeLimits, look, take
from shared.events.outbound import MessageRequested

_FIRST_PHONE = 6_000_000_000
_DUE_WITHIN_SECONDS = 60.0
_PUT_PER_SECOND = 1_500
_START_SECONDS = 15.0
_TAKES = 20

_FILL = """
INSERT INTO waiting_messages (account_id, message_id, due_at, take_at, waits_since, request)
SELECT 'bench', 'full-' || n, at, at, now(), repeat('x', 400)
FROM generate_series(1, $1::bigint) AS n,
    LATERAL (SELECT now() - interval '1 minute' + n * interval '1 second') AS t (at)
"""


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    """Return the rows: 1,000,000 messages for later, and 10,000,000 that wait (2,000 and 50,000 in the quick form)."""
    later, straight, full = (2_000, 1_000, 50_000) if quick else (1_000_000, 30_000, 10_000_000)
    return [*await paces(stack, later, straight), *await full_table(stack, full)]


async def paces(stack: Stack, later: int, straight: int) -> list[Row]:
    """Return the rows about this many messages for later, all due within a minute per million."""
    sender = stack.services["sender"]
    await have_account(stack)
    async with _quick_carrier(stack):
        from_kafka, few_mb = await _leave(stack, sender, _requests(straight, None))
        put, woken, many_mb = await _leave_later(stack, sender, later)
    return [
        row(f"sender, of {later:,} messages for later, put to wait a second", put, "/s"),
        row("the same, leaving a second when they are due", woken.per_second, "/s", from_kafka.per_second, "≥ 0.8"),
        row("the same, by the CPU time of the sender", woken.per_cpu, "/CPU s", from_kafka.per_cpu),
        row("most resident memory of the sender meanwhile", many_mb, "MB", few_mb, "≤ 1.5"),
    ]


async def full_table(stack: Stack, waiting: int) -> list[Row]:
    """Return the rows about looking and taking while this many messages wait."""
    sender = stack.services["sender"]
    await sender.stop()
    connection = await asyncpg.connect(stack.backend.sender_database_url)
    try:
        few = await _take_ms(connection, 1_000)
        many = await _take_ms(connection, waiting)
    finally:
        await connection.execute("TRUNCATE waiting_messages")
        await connection.close()
        await sender.start()
    return [row(f"one look, and 60 due messages taken, while {waiting:,} wait", many, "ms", few, "≤ 3")]


async def _take_ms(connection: "asyncpg.Connection[asyncpg.Record]", waiting: int) -> float:
    await connection.execute("TRUNCATE waiting_messages")
    await connection.execute(_FILL, waiting, timeout=3_600)
    await connection.execute("ANALYZE waiting_messages", timeout=3_600)
    taken_ms = []
    for owner in range(1, _TAKES + 1):
        transaction = connection.transaction()
        await transaction.start()
        started = time.perf_counter()
        now = (await look(connection)).database_now
        rows = await take(connection, owner, now, TakeLimits())
        taken_ms.append((time.perf_counter() - started) * 1_000)
        assert rows
        await transaction.rollback()
    return statistics.median(taken_ms)


def _requests(count: int, first_at: datetime | None) -> list[MessageRequested]:
    within = _DUE_WITHIN_SECONDS * count / 1_000_000
    found = [new_request(_FIRST_PHONE + number) for number in range(count)]
    if first_at is None:
        return found
    return [
        each.model_copy(update={"send_at": first_at + timedelta(seconds=within * number / count)})
        for number, each in enumerate(found)
    ]


async def _leave(stack: Stack, sender: Service, requests: Sequence[MessageRequested]) -> tuple[Rate, float]:
    await sender.stop()
    await produce_requests(stack, requests)
    await sender.start()
    async with _most_memory(sender) as memory:
        rate = await outcome_rate(sender, "sent", len(requests))
    return rate, memory[0]


async def _leave_later(stack: Stack, sender: Service, count: int) -> tuple[float, Rate, float]:
    await sender.stop()
    first_at = datetime.now(UTC) + timedelta(seconds=_START_SECONDS + count / _PUT_PER_SECOND)
    await produce_requests(stack, _requests(count, first_at))
    await sender.start()
    async with _most_memory(sender) as memory:
        put = await _all_wait(sender, count)
        rate = await outcome_rate(sender, "sent", count)
    return put, rate, memory[0]


async def _all_wait(sender: Service, count: int) -> float:
    """Return how many messages were put to wait a second, once all of them are."""
    line = 'stopline_sender_waits_total{reason="send_at"} '
    started: float | None = None
    async with aiohttp.ClientSession() as session, asyncio.timeout(3_600):
        while True:
            text = await (await session.get(sender.metrics_url)).text()
            waits = next((float(each.removeprefix(line)) for each in text.splitlines() if each.startswith(line)), 0.0)
            if waits and started is None:
                started = time.perf_counter()
            if waits >= count:
                return count / max(time.perf_counter() - (started or 0.0), 0.1)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _most_memory(sender: Service) -> AsyncIterator[list[float]]:
    """Yield a list whose item is the most memory that the sender has had, in MB."""
    process, most = psutil.Process(sender.process.pid), [0.0]

    async def look_on() -> None:
        while True:
            most[0] = max(most[0], process.memory_info().rss / 1e6)
            await asyncio.sleep(0.2)

    looking = asyncio.create_task(look_on())
    try:
        yield most
    finally:
        looking.cancel()


@asynccontextmanager
async def _quick_carrier(stack: Stack) -> AsyncIterator[None]:
    async with SandboxClient(stack.services["sandbox"].url) as sandbox:
        await sandbox.set_faults(latency_seconds=LATENCY_SECONDS, forget=True)
        yield
        await sandbox.set_faults()
