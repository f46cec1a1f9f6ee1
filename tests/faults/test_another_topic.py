"""`suppressions` is recreated, or holds what the opt-out service never wrote: nobody who opted out gets a message.

A stack of its own: what is done to the topic here would make the histories of other tests wrong.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic

from faults.shop import open_shop
from faults.tap import Tap
from faults.waiting import until
from faults.world import SETTINGS, World
from harness.checker.read_kafka import end_positions
from harness.client import follow_delivery_events
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack
from shared.events.codec import encode
from shared.events.suppression import CHECKPOINT_KEY, SuppressionChanged
from shared.kafka import new_admin, new_consumer, new_producer
from shared.partitions import partition_of
from shared.topics import SUPPRESSIONS, topics

pytestmark = pytest.mark.timeout(240)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_stack(request: pytest.FixtureRequest) -> AsyncIterator[Stack]:
    backend = request.config.getoption("--stopline-backend")
    settings = {**SETTINGS, "STOPLINE_IDLE_CHECKPOINT_SECONDS": "1"}
    async with Stack(backend=backend, durable=False, service_env=settings, say=lambda _: None) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def own_world(own_stack: Stack) -> AsyncIterator[World]:
    ends = own_stack.endpoints()
    async with SandboxClient(ends.sandbox_url) as sandbox, follow_delivery_events(ends.kafka_bootstrap) as events:
        shop = await open_shop(ends, sandbox, own_stack.kafka_settings().partitions)
        yield World(own_stack, sandbox, events, shop, await end_positions(ends.kafka_bootstrap), Tap())


async def ends_of(world: World) -> dict[TopicPartition, int]:
    partitions = [TopicPartition(SUPPRESSIONS, n) for n in range(world.stack.kafka_settings().partitions)]
    async with new_consumer(world.bootstrap) as consumer:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    return ends


async def recreate_suppressions(world: World) -> None:
    (topic,) = [each for each in topics(world.stack.kafka_settings()) if each.name == SUPPRESSIONS]
    admin = new_admin(world.bootstrap)
    await admin.start()

    async def made() -> bool:
        await admin.create_topics([NewTopic(topic.name, topic.partitions, 1, topic_configs=topic.configs)])
        (described,) = await admin.describe_topics([topic.name])
        return described["error_code"] == 0 and len(described["partitions"]) == topic.partitions

    try:
        await admin.delete_topics([topic.name])
        await until("the topic", made)
    finally:
        await admin.close()


async def opted_out(world: World, count: int) -> list[str]:
    phones, list_id = list(world.shop.phones[:count]), world.shop.list_ids[0]
    for phone in phones:
        await world.arrives(await world.send(phone, list_id))
        await world.reply(phone, "STOP")
        await world.outcome(await world.send(phone, list_id), "message_suppressed")
    return phones


@pytest.mark.parametrize("running", [False, True])
async def test_nobody_who_opted_out_is_messaged_after_the_topic_was_recreated(
    running: bool,  # noqa: FBT001 (a case)
    own_world: World,
) -> None:
    world, sender, list_id = own_world, own_world.service("sender"), own_world.shop.list_ids[0]
    phones = await opted_out(world, 4)
    before = await ends_of(world)
    if not running:
        await sender.stop()
    await recreate_suppressions(world)
    if not running:

        async def has_grown() -> bool:
            return all(end >= before[at] for at, end in (await ends_of(world)).items())

        await until("a topic that is longer than it was", has_grown, timeout_seconds=90)
        await sender.start()
    for phone in phones:
        await world.outcome(await world.send(phone, list_id), "message_suppressed", timeout_seconds=60)
    await world.arrives(await world.send(world.shop.phones[-1], list_id))


async def is_ready(world: World) -> bool:
    async with aiohttp.ClientSession() as http, http.get(f"{world.service('sender').url}/health/ready") as answer:
        return answer.status == 200


async def checkpoint_after(world: World, key: bytes, partition: int) -> None:
    """Wait for a checkpoint that vouches for the suppression: from then on nothing has changed."""
    topic_partition = TopicPartition(SUPPRESSIONS, partition)
    async with new_consumer(world.bootstrap) as consumer, asyncio.timeout(30):
        consumer.assign([topic_partition])
        consumer.seek(topic_partition, 0)
        seen = False
        while (record := await consumer.getone()).key != CHECKPOINT_KEY or not seen:
            seen = seen or record.key == key


async def test_a_forged_opt_in_is_found_without_any_change_and_nothing_is_sent_until_it_is_repaired(
    own_world: World,
) -> None:
    world, list_id = own_world, own_world.shop.list_ids[0]
    (phone,) = await opted_out(world, 1)
    forged = SuppressionChanged(
        account_id=world.shop.account.account_id,
        scope=f"list:{list_id}",
        phone=phone,
        state="opted_in",
        cause_event_id=uuid4(),
        changed_at=datetime.now(UTC),
    )
    partition = partition_of(phone, world.stack.kafka_settings().partitions)
    await checkpoint_after(world, forged.key(), partition)
    async with new_producer(world.bootstrap) as producer:
        await producer.send_and_wait(SUPPRESSIONS, encode(forged), forged.key(), partition)

    async def is_found() -> bool:
        return not await is_ready(world)

    await until("the sender has found it", is_found)
    waiting = await world.send(phone, list_id)
    assert "is wrong" in world.service("sender").process.log_path.read_text()
    subprocess.run(
        [sys.executable, "-m", "harness.cli", "topics", "repair"],
        env={"STOPLINE_OPTOUT_DATABASE_URL": world.stack.backend.optout_database_url},
        check=True,
    )
    await until("the sender trusts the topic again", lambda: is_ready(world), timeout_seconds=60)
    await world.outcome(waiting, "message_suppressed", timeout_seconds=60)
