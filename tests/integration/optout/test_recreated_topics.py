"""A topic that was recreated is another topic: what is read is refused, what is written is written again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from aiokafka.admin import NewTopic
from command_line import command_line
from optout_world import FETCH_WAIT_MS, SECONDS, OptOutWorld

from shared.events.codec import decode
from shared.events.suppression import CheckpointPublished, SuppressionChanged, suppression_event_adapter
from shared.kafka import new_admin, new_consumer
from shared.settings import KafkaSettings
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, SUPPRESSIONS, topics

pytestmark = pytest.mark.timeout(180)


async def until(what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            while not await condition():  # noqa: ASYNC110 (it happens in other processes)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {SECONDS:.0f} s") from None


async def recreate(world: OptOutWorld, name: str) -> None:
    bootstrap = world.backend.kafka_bootstrap
    (topic,) = [each for each in topics(KafkaSettings(kafka_bootstrap=bootstrap, partitions=3)) if each.name == name]
    admin = new_admin(bootstrap)
    await admin.start()

    async def made() -> bool:
        await admin.create_topics([NewTopic(name, topic.partitions, 1, topic_configs=topic.configs)])
        (described,) = await admin.describe_topics([name])
        return described["error_code"] == 0 and len(described["partitions"]) == topic.partitions

    try:
        await admin.delete_topics([name])
        await until("the topic", made)
    finally:
        await admin.close()


async def published(world: OptOutWorld) -> list[SuppressionChanged | CheckpointPublished]:
    """Read all that `suppressions` holds, markers left out."""
    options = {"auto_offset_reset": "earliest", "fetch_max_wait_ms": FETCH_WAIT_MS}
    async with new_consumer(world.backend.kafka_bootstrap, SUPPRESSIONS, **options) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        found = []
        while not all([await consumer.position(tp) >= end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += [decode(suppression_event_adapter, each.value) for each in records if each.value is not None]
    return [each for each in found if isinstance(each, SuppressionChanged | CheckpointPublished)]


async def state_of(world: OptOutWorld) -> str | None:
    found = [each for each in await published(world) if isinstance(each, SuppressionChanged)]
    mine = [each.state for each in found if (each.account_id, each.phone) == (world.account_id, world.phone)]
    return mine[-1] if mine else None


def stopline(world: OptOutWorld, *arguments: str) -> str:
    settings = {"STOPLINE_OPTOUT_DATABASE_URL": world.backend.optout_database_url}
    code, output, errors = command_line(settings, *arguments)
    assert (code, errors) == (0, "")
    return output


def log_of(world: OptOutWorld) -> str:
    return world.service.process.log_tail(1_000)


@pytest.fixture(autouse=True)
async def _without_the_api(world: OptOutWorld) -> None:
    """Leave the topics to the pipeline: the API follows them, too."""
    await world.api.end()


@pytest.mark.parametrize("running", [False, True])
async def test_a_recreated_suppressions_topic_gets_all_that_the_record_says(
    running: bool,  # noqa: FBT001 (a case)
    world: OptOutWorld,
) -> None:
    await world.service.start()
    await world.says("STOP")
    await world.fence()
    if not running:
        await world.service.stop()
    await recreate(world, SUPPRESSIONS)
    if not running:
        await world.service.start()

    async def is_there() -> bool:
        return await state_of(world) == "opted_out"

    await until("the opt-out in the new topic", is_there)


async def test_a_forged_suppression_is_corrected_when_an_operator_asks(world: OptOutWorld) -> None:
    await world.service.start()
    await world.says("STOP")
    await world.fence()
    (scope,) = world.suppressions()
    strangers = [(world.account_id, scope, "opted_in"), ("nobody", "account", "opted_out")]
    for account_id, forged_scope, state in strangers:
        forged = SuppressionChanged(
            account_id=account_id,
            scope=forged_scope,
            phone=world.phone,
            state=state,
            cause_event_id=uuid4(),
            changed_at=datetime.now(UTC),
        )
        await world.write(SUPPRESSIONS, forged, forged.key())
    assert await state_of(world) == "opted_in"
    assert "compares" in stopline(world, "topics", "repair")

    async def is_corrected() -> bool:
        newest = {each.key(): each.state for each in await published(world) if isinstance(each, SuppressionChanged)}
        return {newest[f"{who}|{what}|{world.phone}".encode()] for who, what, _ in strangers} == {"opted_out"}

    await until("the correction", is_corrected)


async def test_a_repair_lifts_nothing_that_only_the_topic_forbids(world: OptOutWorld) -> None:
    """As after a restore, where the same STOP is decided otherwise: only an opt-in that was decided later lifts it."""
    await world.service.start()
    for text in ("STOP", "START"):
        await world.says(text)
        await world.fence()
    (scope,) = world.suppressions()
    for what in (scope, "account"):
        lost = SuppressionChanged(
            account_id=world.account_id,
            scope=what,
            phone=world.phone,
            state="opted_out",
            cause_event_id=uuid4(),
            changed_at=datetime.now(UTC),
        )
        await world.write(SUPPRESSIONS, lost, lost.key())
    stopline(world, "topics", "repair")

    async def is_recorded() -> bool:
        rows = await world.fetch(
            "SELECT scope FROM suppressions WHERE account_id = $1 AND phone = $2 AND state = 'opted_out'",
            world.account_id, world.phone,
        )  # fmt: skip
        return {row["scope"] for row in rows} == {scope, "account"}

    await until("the opt-outs in the decision log", is_recorded)
    mine = [each for each in await published(world) if isinstance(each, SuppressionChanged)]
    states = {each.scope: each.state for each in mine if each.account_id == world.account_id}
    assert states == {scope: "opted_out", "account": "opted_out"}


@pytest.mark.parametrize("topic", [INBOUND_MESSAGES, DELIVERY_EVENTS])
async def test_a_recreated_topic_that_is_read_halts_until_an_operator_adopts_it(topic: str, world: OptOutWorld) -> None:
    """It has grown past the old position: without its id the first records would be passed over."""
    await world.service.start()
    await world.says("STOP")
    await world.was_sent(1)
    await world.fence()
    await world.service.stop()
    ((old,),) = await world.fetch(
        "SELECT greatest(next_offset, delivery_next_offset) FROM partition_positions WHERE partition = $1",
        world.partition,
    )
    await recreate(world, topic)
    await world.says("START")
    while await world.write(topic, b"not an event of ours") <= old:
        pass
    await world.service.start(wait=False)

    async def is_halted() -> bool:
        return "is not the topic that this database belongs to" in log_of(world)

    await until("the halt", is_halted)
    assert topic in log_of(world)
    await world.service.stop()
    stopline(world, "topics", "adopt", topic)
    await world.service.start()

    async def is_decided() -> bool:
        return await state_of(world) == "opted_in"

    await until("the START, which the new topic begins with", is_decided)
