"""A consumer that has nothing to read asks seldom, and what comes for any partition is there at once."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from shared.consumer import Consumer
from shared.kafka import new_admin, new_consumer

TOPIC = "waiting-fetches"
AT_ONCE_SECONDS = 0.4
"""Less than a fetch waits for nothing (a second), more than a busy machine takes."""


@pytest.fixture
async def consumer(bootstrap: str) -> AsyncIterator[Consumer]:
    admin = new_admin(bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 3, 1)])
    await admin.close()
    async with new_consumer(bootstrap, auto_offset_reset="earliest") as found:
        found.assign([TopicPartition(TOPIC, number) for number in range(3)])
        await found.seek_to_beginning()
        await found.getmany(timeout_ms=200)
        yield found


async def test_what_comes_for_a_partition_that_was_just_read_does_not_wait_for_a_fetch_without_it(
    consumer: Consumer, marking: AIOKafkaProducer
) -> None:
    slowest = 0.0
    for number in range(30):
        began = time.monotonic()
        await marking.send_and_wait(TOPIC, b"%d" % number, partition=number % 2)
        while not await consumer.getmany(timeout_ms=1_000):
            pass
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < AT_ONCE_SECONDS


async def test_an_idle_consumer_asks_about_once_a_second(consumer: Consumer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    proceed = consumer._fetcher._proc_fetch_request

    async def counting(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return await proceed(*arguments)

    monkeypatch.setattr(consumer._fetcher, "_proc_fetch_request", counting)
    await consumer.getmany(timeout_ms=2_500)
    assert asked <= 4
