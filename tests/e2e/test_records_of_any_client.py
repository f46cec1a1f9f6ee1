"""What any Kafka client may send: every codec is read, and nothing of a transaction that is aborted or still open."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from raw_producer import RawProducer
from record_bytes import batch, record

from harness.account import Account
from harness.client import ApiClient, DeliveryEvents, follow_delivery_events, request_json
from harness.sandbox.client import SandboxClient
from harness.stack.kafka_tools import tool_command
from harness.stack.stack import Stack
from harness.story.stage import any_phone
from shared.events.outbound import MessageRequested
from shared.kafka import new_consumer
from shared.partitions import partition_of

SENDER_NUMBER = "+18335550123"
LARGE = "All of it is worth reading. " * 500 + "Reply STOP to opt out"
"""Librdkafka leaves small batches uncompressed, which hid that no codec but gzip was read."""


def request(account: Account, list_id: int, body: str = LARGE) -> MessageRequested:
    return MessageRequested(
        account_id=account.account_id,
        message_id=str(uuid4()),
        list_id=list_id,
        phone=any_phone(),
        sender_number=SENDER_NUMBER,
        body=body,
    )


@asynccontextmanager
async def shop(stack: Stack, account: Account) -> AsyncIterator[tuple[int, DeliveryEvents]]:
    ends = stack.endpoints()
    async with ApiClient(ends.api_url, account) as api, follow_delivery_events(ends.kafka_bootstrap) as events:
        yield await api.create_list("news"), events


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_librdkafka_may_compress_with_every_codec(
    codec: str, stopline_stack: Stack, stopline_account: Account
) -> None:
    async with shop(stopline_stack, stopline_account) as (list_id, events):
        asked = [request(stopline_account, list_id) for _ in range(5)]
        producer = Producer(
            {
                "bootstrap.servers": stopline_stack.endpoints().kafka_bootstrap,
                "compression.type": codec,
                "linger.ms": 50,
            }
        )
        for each in asked:
            producer.produce("outbound-messages", request_json(each).encode())
        assert await asyncio.to_thread(producer.flush, 30) == 0
        for each in asked:
            assert (await events.of_message(each.message_id, "message_sent", "message_rejected")).type == "message_sent"


@pytest.mark.parametrize("codec", ["snappy", "zstd"])
async def test_javas_producer_may_compress(codec: str, stopline_stack: Stack, stopline_account: Account) -> None:
    """Java writes snappy in blocks of its own."""
    bootstrap = stopline_stack.endpoints().kafka_bootstrap
    async with shop(stopline_stack, stopline_account) as (list_id, events):
        asked = request(stopline_account, list_id)
        command = tool_command(
            "console-producer",
            ["--bootstrap-server", bootstrap, "--topic", "outbound-messages", "--compression-codec", codec],
        )
        await asyncio.to_thread(
            subprocess.run,
            command,
            input=request_json(asked) + "\n",
            text=True,
            check=True,
            capture_output=True,
            timeout=60,
        )
        assert (await events.of_message(asked.message_id, "message_sent", "message_rejected")).type == "message_sent"


async def test_nothing_of_an_aborted_or_open_transaction_is_sent(
    stopline_stack: Stack, stopline_account: Account
) -> None:
    ends = stopline_stack.endpoints()
    async with (
        shop(stopline_stack, stopline_account) as (list_id, events),
        SandboxClient(ends.sandbox_url) as sandbox,
    ):
        aborted, still_open, committed = (request(stopline_account, list_id, "Hi. STOP to end") for _ in range(3))
        begun = []
        for each, partition in ((aborted, 0), (still_open, 1), (committed, 0)):
            producer = Producer({"bootstrap.servers": ends.kafka_bootstrap, "transactional.id": f"t-{uuid4()}"})
            await asyncio.to_thread(producer.init_transactions, 30)
            producer.begin_transaction()
            producer.produce("outbound-messages", request_json(each).encode(), partition=partition)
            assert await asyncio.to_thread(producer.flush, 30) == 0
            begun.append(producer)
        await asyncio.to_thread(begun[0].abort_transaction, 30)
        await asyncio.to_thread(begun[2].commit_transaction, 30)
        await events.of_message(committed.message_id, "message_sent")
        assert await sandbox.messages(aborted.phone) == await sandbox.messages(still_open.phone) == []
        await asyncio.to_thread(begun[1].commit_transaction, 30)
        await events.of_message(still_open.message_id, "message_sent")
        assert await sandbox.messages(aborted.phone) == []


async def test_a_message_on_a_partition_that_is_not_its_phones_is_parked_and_decides_nothing(
    stopline_stack: Stack, stopline_account: Account
) -> None:
    """Its suppression would be where no sender looks for it, and every sender would refuse to go on."""
    bootstrap = stopline_stack.endpoints().kafka_bootstrap
    async with shop(stopline_stack, stopline_account) as (list_id, events):
        asked = request(stopline_account, list_id)
        partitions = stopline_stack.kafka_settings().partitions
        wrong = (partition_of(asked.phone, partitions) + 1) % partitions
        stop = (
            f'{{"type":"message_received","version":1,"event_id":"{uuid4()}","occurred_at":"2026-11-24T11:13:00Z",'
            f'"account_id":"{stopline_account.account_id}","gateway":"generic","phone":"{asked.phone}","body":"STOP"}}'
        )
        with RawProducer(bootstrap) as raw:
            code, offset = raw.produce("inbound-messages", wrong, batch([record(0, stop.encode(), b"k")]))
        assert code == 0
        async with new_consumer(bootstrap, "parked-messages", auto_offset_reset="earliest") as parked:
            async with asyncio.timeout(20):
                async for each in parked:
                    headers = dict(each.headers)
                    if headers.get("original_topic") == b"inbound-messages" and each.value == stop.encode():
                        break
        assert (headers["parked_reason"], headers["original_offset"]) == (b"wrong_partition", str(offset).encode())
        producer = Producer({"bootstrap.servers": bootstrap})
        producer.produce("outbound-messages", request_json(asked).encode())
        assert await asyncio.to_thread(producer.flush, 30) == 0
        settled = ("message_sent", "message_suppressed")
        assert (await events.of_message(asked.message_id, *settled)).type == "message_sent"
