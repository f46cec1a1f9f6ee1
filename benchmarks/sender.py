"""The sender: messages dropped a second with many suppressions, and messages sent a second; memory and restart."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import aiohttp
import asyncpg
import numpy as np
import psutil
from aiokafka import TopicPartition

from benchmarks.rows import Row, row
from harness.processes.run_all import run_all
from harness.sandbox.client import SandboxClient
from harness.stack.service import Service
from harness.stack.stack import Stack
from shared.events import codec
from shared.events.outbound import MessageRequested, outbound_event_adapter
from shared.kafka import new_consumer, new_producer
from shared.suppression_digest import keys_digest
from shared.suppressions.account_settings import KeptAccountSettings
from shared.suppressions.keep import SNAPSHOT_FILE
from shared.suppressions.keys import Keys, cache_key, partition_slice, phone_digits
from shared.suppressions.lookup import AccountScope
from shared.suppressions.placement import partitions_of
from shared.suppressions.snapshot import Origin, Snapshot, write_snapshot
from shared.topic_identity import TopicIdentities
from shared.topics import OUTBOUND_MESSAGES, SUPPRESSIONS

_NUMBER = "+18335550123"
_LISTS = 100
_LEAST_PER_SECOND = 500
_FIRST_LIST = 1_000_001
_FIRST_PHONE = 2_000_000_000
_IN_FLIGHT = 200
LATENCY_SECONDS = 0.05
_MAX_BATCH_BYTES = 512 * 1024

Scopes = list[tuple[AccountScope, Keys]]


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    """Return the rows; the big cache has 10 million keys in 100 lists (200,000 in the quick form)."""
    big, small, drops, sends = (200_000, 10_000, 4_000, 1_000) if quick else (10_000_000, 10_000, 150_000, 30_000)
    async with _suppressing(stack, small):
        few, _ = await _drops(stack, small, drops)
    async with _suppressing(stack, big) as ready_seconds:
        many, baseline = await _drops(stack, big, drops)
        rss_mb = psutil.Process(stack.services["sender"].process.pid).memory_info().rss / 1e6
        sent, bare = await _sends(stack, sends)
    return [
        row(f"sender, drops a second with {big:,} suppressions", many.per_second, "/s", baseline.per_second, "≥ 0.2"),
        row("the same, by the CPU time of the sender", many.per_cpu, "/CPU s", baseline.per_cpu),
        row(f"the same against {small:,} suppressions", many.per_second, "/s", few.per_second, "≥ 0.9"),
        row(f"sender ready from a snapshot of {big:,}, process start included", ready_seconds, "s", aim="≤ 2"),
        row(f"resident memory of the sender with {big:,}", rss_mb, "MB", aim="≤ 250"),
        row("sender, carrier calls a second (200 in flight, 50 ms)", sent.per_second, "/s", bare.per_second, "≥ 0.6"),
        row("the same, by the CPU time of the sender", sent.per_cpu, "/CPU s", bare.per_cpu),
    ]


@asynccontextmanager
async def _suppressing(stack: Stack, suppressed: int) -> AsyncIterator[float]:
    """Have this many phones suppressed, without having written them to the topic; yield when the sender was ready.

    The sender finds them in a snapshot, and the opt-out service vouches for them: its checkpoints count them too.
    """
    optout, sender = stack.services["optout"], stack.services["sender"]
    await run_all(optout.stop(), sender.stop())
    origin, positions = await _place(stack)
    scopes = await asyncio.to_thread(_scopes, suppressed, origin.partitions)
    await _vouch(stack, scopes, 1)
    await have_account(stack)
    account_settings = [KeptAccountSettings()] * origin.partitions  # the opt-out service publishes them when it starts
    snapshot = Snapshot(origin, positions, [0] * origin.partitions, scopes, account_settings)
    folder = Path(sender._environment["STOPLINE_CACHE_DIR"])
    await asyncio.to_thread(write_snapshot, folder / SNAPSHOT_FILE, snapshot)
    await optout.start()
    started = time.perf_counter()
    await sender.start()
    yield time.perf_counter() - started
    await run_all(optout.stop(), sender.stop())
    (folder / SNAPSHOT_FILE).unlink()
    await _vouch(stack, scopes, -1)
    await run_all(optout.start(), sender.start())


async def have_account(stack: Stack) -> None:
    """Have an account with the lists that messages are sent to: the gate asks for them."""
    connection = await asyncpg.connect(stack.backend.optout_database_url)
    await connection.execute("INSERT INTO accounts (account_id, name) VALUES ('bench', 'Bench') ON CONFLICT DO NOTHING")
    await connection.execute(
        "INSERT INTO contact_lists (list_id, account_id, name) OVERRIDING SYSTEM VALUE"
        " SELECT 1000000 + n, 'bench', 'bench ' || n FROM generate_series(1, $1) AS n ON CONFLICT DO NOTHING",
        _LISTS,
    )
    await connection.close()


async def _vouch(stack: Stack, scopes: Scopes, sign: int) -> None:
    """Add the keys to what the opt-out service counts of each partition, or take them away again."""
    connection = await asyncpg.connect(stack.backend.optout_database_url)
    for record in await connection.fetch(
        "SELECT partition, suppressed_count, suppressed_digest FROM partition_positions"
    ):
        partition, count, digest = record
        for (account_id, scope), keys in scopes:
            mine = partition_slice(keys, partition)
            count += sign * mine.size
            digest += sign * keys_digest(account_id, scope, phone_digits(mine))
        signed = (digest + (1 << 63)) % (1 << 64) - (1 << 63)
        await connection.execute(
            "UPDATE partition_positions SET suppressed_count = $2, suppressed_digest = $3 WHERE partition = $1",
            partition,
            count,
            signed,
        )
    await connection.close()


class Rate(NamedTuple):
    """This many per second, and per second of the CPU of the process that does it."""

    per_second: float
    per_cpu: float


async def _drops(stack: Stack, suppressed: int, count: int) -> tuple[Rate, Rate]:
    """Return the rate of drops, and of messages consumed and validated."""
    sender = stack.services["sender"]
    await sender.stop()
    requests = [
        new_request(_FIRST_PHONE + n % suppressed, _FIRST_LIST + (n % suppressed) % _LISTS) for n in range(count)
    ]
    baseline = await _consume(stack, await produce_requests(stack, requests), count)
    await sender.start()
    return await outcome_rate(sender, "suppressed", count), baseline


async def _place(stack: Stack) -> tuple[Origin, list[int]]:
    """Return where a snapshot made now would be."""
    consumer = new_consumer(
        stack.backend.kafka_bootstrap, SUPPRESSIONS, auto_offset_reset="latest", isolation_level="read_committed"
    )
    await consumer.start()
    ends = await consumer.end_offsets(consumer.assignment())
    await consumer.stop()
    identities = TopicIdentities(stack.backend.kafka_bootstrap, SUPPRESSIONS)
    identity = (await identities.look())[SUPPRESSIONS]
    await identities.close()
    partitions = stack.kafka_settings().partitions
    return Origin(identity, SUPPRESSIONS, partitions), [
        ends[TopicPartition(SUPPRESSIONS, p)] for p in range(partitions)
    ]


def _scopes(suppressed: int, partitions: int) -> Scopes:
    scopes = []
    for n in range(_LISTS):
        phones = [f"+1{_FIRST_PHONE + number}" for number in range(n, suppressed, _LISTS)]
        placed = partitions_of([phone.encode() for phone in phones], partitions)
        keys = np.array([cache_key(p, phone) for p, phone in zip(placed, phones, strict=True)], dtype=np.uint64)
        scopes.append((("bench", f"list:{_FIRST_LIST + n}"), np.sort(keys)))
    return scopes


def new_request(number: int, list_id: int = _FIRST_LIST) -> MessageRequested:
    return MessageRequested(
        account_id="bench",
        message_id=str(uuid4()),
        list_id=list_id,
        phone=f"+1{number}",
        sender_number=_NUMBER,
        body="Our offer of the week. Reply STOP to opt out",
    )


async def produce_requests(stack: Stack, requests: Sequence[MessageRequested]) -> dict[TopicPartition, int]:
    """Write the requests; return where they begin."""
    producer = new_producer(stack.backend.kafka_bootstrap, max_batch_size=_MAX_BATCH_BYTES, linger_ms=20)
    consumer = new_consumer(stack.backend.kafka_bootstrap, OUTBOUND_MESSAGES, auto_offset_reset="latest")
    await producer.start()
    await consumer.start()
    begins: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
    await consumer.stop()
    sent = [await producer.send(OUTBOUND_MESSAGES, codec.encode(r), key=r.phone.encode()) for r in requests]
    await asyncio.gather(*sent)
    await producer.stop()
    return begins


async def _consume(stack: Stack, begins: dict[TopicPartition, int], count: int) -> Rate:
    consumer = new_consumer(stack.backend.kafka_bootstrap, OUTBOUND_MESSAGES, auto_offset_reset="latest")
    await consumer.start()
    for tp, begin in begins.items():
        consumer.seek(tp, begin)
    started, cpu, seen = time.perf_counter(), time.process_time(), 0
    while seen < count:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=2000)).values():
            for record in records:
                codec.decode(outbound_event_adapter, record.value)
            seen += len(records)
    rate = Rate(count / (time.perf_counter() - started), count / (time.process_time() - cpu))
    await consumer.stop()
    return rate


async def outcome_rate(sender: Service, outcome: str, count: int) -> Rate:
    """Return the rate of outcomes between the first that the sender's metrics show and the last."""
    line = f'stopline_sender_messages_total{{outcome="{outcome}"}} '
    process = psutil.Process(sender.process.pid)
    first: tuple[float, float, float] | None = None
    async with aiohttp.ClientSession() as session, asyncio.timeout(600 + count / _LEAST_PER_SECOND):
        while True:
            text = await (await session.get(sender.metrics_url)).text()
            done = next((float(each.removeprefix(line)) for each in text.splitlines() if each.startswith(line)), 0.0)
            now, cpu = time.perf_counter(), sum(process.cpu_times()[:2])
            if first is None and done:
                first = now, cpu, done
            if done >= count:
                assert first is not None
                began, cpu_began, done_before = first
                few = count - done_before
                return Rate(few / max(now - began, 0.1), few / max(cpu - cpu_began, 0.1))
            await asyncio.sleep(0.05)


async def _sends(stack: Stack, count: int) -> tuple[Rate, Rate]:
    sender = stack.services["sender"]
    async with SandboxClient(stack.services["sandbox"].url) as sandbox:
        await sandbox.set_faults(latency_seconds=LATENCY_SECONDS, forget=True)
        bare = await _bare_calls(stack, count)
        await sender.stop()
        await produce_requests(stack, [new_request(5_000_000_000 + n, _FIRST_LIST) for n in range(count)])
        await sender.start()
        rate = await outcome_rate(sender, "sent", count)
        await sandbox.set_faults()
    return rate, bare


async def _bare_calls(stack: Stack, count: int) -> Rate:
    """Return carrier calls a second of a loop that does nothing else, with the same number in flight."""
    url = f"{stack.services['sandbox'].url}/v1/messages"
    headers = {"Authorization": f"Bearer {stack.secrets.carrier_token}", "Content-Type": "application/json"}
    left = iter(range(count))

    async def caller(session: aiohttp.ClientSession) -> None:
        for n in left:
            fields = {"message_id": f"bare-{n}", "account_id": "bench", "to": f"+1{5_000_000_000 + n}", "from": _NUMBER}
            body = json.dumps({**fields, "body": "Hello", "custom_string": f"bare-{n}"})
            async with session.post(url, data=body) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()

    connector = aiohttp.TCPConnector(limit=_IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(caller(session) for _ in range(_IN_FLIGHT)))
        return Rate(count / (time.perf_counter() - started), count / (time.process_time() - cpu))
