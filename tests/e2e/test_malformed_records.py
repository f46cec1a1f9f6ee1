"""No record stops a service: after each kind of malformed record, on every topic, STOPs and messages pass."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from malformed import KINDS
from raw_producer import RawProducer
from record_bytes import last_offset_delta

from harness.account import Account
from harness.client import ApiClient, DeliveryEvents, follow_delivery_events, produce
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack
from shared.events.outbound import MessageRequested
from shared.kafka import new_consumer
from shared.partitions import partition_of

SENDER_NUMBER = "+18335550123"
TOPICS = (
    "outbound-messages", "inbound-messages", "delivery-events", "suppressions", "opt-out-events", "parked-messages",
)  # fmt: skip
SECONDS = 30.0
"""For a message, a STOP and a second message on all partitions, one after the other: some five on an idle machine."""

PARKED_FROM = ("outbound-messages", "inbound-messages", "delivery-events")
NEVER_EVENTS = ("texts", "nothing", "bombs", "header_names", "layouts")
"""Kinds of which every record must be parked, wherever it was read."""
Place = tuple[str, int, int]

_numbers = count(random.randrange(1_000_000))  # noqa: S311 (no secret)


@dataclass
class Shop:
    """What the checks act with."""

    account: Account
    list_id: int
    sandbox: SandboxClient
    events: DeliveryEvents
    bootstrap: str
    partitions: int

    def phones(self) -> list[str]:
        """Return a new phone of each partition."""
        found: dict[int, str] = {}
        while len(found) < self.partitions:
            phone = f"+1415{next(_numbers) % 10_000_000:07d}"
            found.setdefault(partition_of(phone, self.partitions), phone)
        return list(found.values())

    async def send(self, phone: str) -> str:
        """Return what became of a message."""
        request = MessageRequested(
            account_id=self.account.account_id,
            message_id=str(uuid4()),
            list_id=self.list_id,
            phone=phone,
            sender_number=SENDER_NUMBER,
            body="Hello. Reply STOP to opt out",
        )
        await produce(self.bootstrap, [request])
        settled = ("message_sent", "message_suppressed", "message_failed", "message_rejected")
        return (await self.events.of_message(request.message_id, *settled, timeout_seconds=SECONDS)).type

    async def a_stop_is_heard_on_every_partition(self) -> None:
        for phone in self.phones():
            assert await self.send(phone) == "message_sent"
            answer = await self.sandbox.reply(phone, "STOP", account_id=self.account.account_id)
            assert answer["status_code"] == 200
            assert await self.send(phone) == "message_suppressed"

    async def a_receipt_is_heard_on_every_partition(self) -> None:
        """Send messages of which the carrier's answer is lost: only a receipt says that they are sent."""
        phones = self.phones()
        await self.sandbox.set_faults(phones=phones, drop_rate=1, drop_when="after", receipts=True)
        for phone in phones:
            assert await self.send(phone) == "message_sent"
        await self.sandbox.set_faults()


@asynccontextmanager
async def opened(stack: Stack, account: Account) -> AsyncIterator[Shop]:
    ends = stack.endpoints()
    async with (
        ApiClient(ends.api_url, account) as api,
        SandboxClient(ends.sandbox_url) as sandbox,
        follow_delivery_events(ends.kafka_bootstrap) as events,
    ):
        list_id = await api.create_list("news")
        yield Shop(account, list_id, sandbox, events, ends.kafka_bootstrap, stack.kafka_settings().partitions)


def places(partitions: int) -> Iterator[tuple[str, int]]:
    for topic in TOPICS:
        for partition in range(1 if topic == "parked-messages" else partitions):
            yield topic, partition


def write_everywhere(bootstrap: str, kind: str, partitions: int) -> tuple[Counter[int], set[Place]]:
    """Write the kind to every partition of every topic; return Kafka's error codes, and the places that it gave."""
    codes: Counter[int] = Counter()
    taken: set[Place] = set()
    with RawProducer(bootstrap) as producer:
        batches = list(KINDS[kind](random.Random(kind)))  # noqa: S311 (the same each time)
        for topic, partition in places(partitions):
            # Every partition gets all of a small kind, and its share of a large one.
            share = batches if len(batches) <= partitions else batches[partition % 3 :: 3]
            for batch in share:
                code, offset = producer.produce(topic, partition, batch)
                codes[code] += 1
                if code == 0:
                    taken.update((topic, partition, offset + delta) for delta in range(last_offset_delta(batch) + 1))
    return codes, taken


async def parked_places(bootstrap: str) -> set[Place]:
    """Read all of `parked-messages`, where malformed records are too: no other consumer comes past all of them."""
    found: set[Place] = set()
    at = TopicPartition("parked-messages", 0)
    async with new_consumer(bootstrap) as consumer:
        consumer.assign([at])
        consumer.seek(at, 0)
        end = (await consumer.end_offsets([at]))[at]
        while await consumer.position(at) < end:
            for record in (await consumer.getmany(timeout_ms=500)).get(at, ()):
                headers = {name: value.decode(errors="replace") for name, value in record.headers if value}
                if "parked_by" in headers and "original_offset" in headers:
                    found.update(_places_of(headers, record.value))
    return found


async def until_parked(bootstrap: str, places: set[Place]) -> None:
    missing = places
    for _ in range(int(SECONDS)):
        missing = places - await parked_places(bootstrap)
        if not missing:
            return
        await asyncio.sleep(1)
    raise AssertionError(f"{len(missing)} of {len(places)} records are not parked, such as {sorted(missing)[:5]}")


def _places_of(headers: dict[str, str], value: bytes | None) -> Iterator[Place]:
    first, topic, partition = headers["original_offset"], headers["original_topic"], int(headers["original_partition"])
    runs = f"{first}-{headers.get('original_last_offset', first)}"
    if headers["parked_reason"] == "flood":
        runs = json.loads(value or b"")["offsets"]
    for run in runs.split(","):
        begin, _, end = run.partition("-")
        yield from ((topic, partition, offset) for offset in range(int(begin), int(end or begin) + 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(120)
async def test_after_malformed_records_of_each_kind_every_partition_goes_on(
    kind: str, stopline_stack: Stack, stopline_account: Account
) -> None:
    async with opened(stopline_stack, stopline_account) as shop:
        began = {name: service.process.pid for name, service in stopline_stack.services.items()}
        codes, taken = await asyncio.to_thread(write_everywhere, shop.bootstrap, kind, shop.partitions)
        assert codes[0], f"Kafka took none of them: {codes}"
        async with asyncio.timeout(SECONDS):
            await shop.a_stop_is_heard_on_every_partition()
        await shop.a_receipt_is_heard_on_every_partition()
        assert {name: service.process.pid for name, service in stopline_stack.services.items()} == began
        if kind in NEVER_EVENTS:
            bad = {each for each in taken if each[0] in PARKED_FROM}
            await until_parked(shop.bootstrap, bad)
        print(f"{kind}: Kafka's error codes {dict(codes)}")  # noqa: T201 (how many it took, for who looks)
