"""On three Kafka nodes: one is killed or frozen in the middle of a STOP, a copy too many is missing, all die at once.

Nothing that Kafka or a webhook has acknowledged is lost, and nothing is sent that must not be: each test ends with the
judgement of every guarantee by what is in Kafka and at the carrier.
"""

import asyncio

import aiohttp
import pytest
from faults.waiting import until
from faults.world import A_DECISION_LIVES, World, longer_than

from cluster.nodes import REPLICAS, Nodes
from shared.partitions import partition_of
from shared.topics import INBOUND_MESSAGES, SUPPRESSIONS, check_topics

pytestmark = pytest.mark.timeout(240)

LONGER_THAN_A_NODES_SESSION = 5.0


@pytest.mark.parametrize(("how", "topic"), [("killed", INBOUND_MESSAGES), ("frozen", SUPPRESSIONS)])
async def test_the_leader_is_lost_in_the_middle_of_a_stop(how: str, topic: str, world: World, nodes: Nodes) -> None:
    """A frozen one is as one that is cut off: its connections stay open, and afterwards it believes that it leads."""
    phone, list_id = world.shop.phones[0], world.shop.list_ids[0]
    async with world.load() as load:
        await load.flows()
        await world.arrives(await world.send(phone, list_id))
        leader = await nodes.leader_of(topic, partition_of(phone, world.stack.kafka_settings().partitions))
        stop = asyncio.create_task(_stop_until_taken(world, phone))
        if how == "killed":
            await world.stack.backend.kill_kafka(leader)
        else:
            await world.stack.backend.pause_kafka(leader)
            await longer_than(LONGER_THAN_A_NODES_SESSION)
        await load.flows(timeout_seconds=120)  # clients wait for each answer of a frozen node, one after the other
        await stop
        if how == "killed":
            await world.stack.backend.start_kafka(leader)
        else:
            await world.stack.backend.resume_kafka(leader)
        await load.flows(timeout_seconds=60)
    await world.settle()
    await nodes.until_in_sync()


async def _stop_until_taken(world: World, phone: str) -> None:
    """Reply STOP, and post it again for as long as the webhook answers that it was not taken."""
    while True:
        answer = await world.sandbox.reply(phone, "STOP", account_id=world.shop.account.account_id)
        if answer["status_code"] == 200:
            return
        assert answer["status_code"] == 503, answer


async def test_while_too_few_nodes_have_a_record_nothing_is_taken_and_nothing_is_sent(
    world: World, nodes: Nodes
) -> None:
    """Where Kafka refuses the records of a transaction, it commits it all the same: none of them may count."""
    async with world.load() as load:
        await load.flows()
        await nodes.require_in_sync(REPLICAS)
        await world.stack.backend.kill_kafka(REPLICAS - 1)
        await until("a webhook is refused", lambda: _is_refused(world), 60)
        async with world.outage("the third copy"):
            await longer_than(A_DECISION_LIVES + 1)
        await world.stack.backend.start_kafka(REPLICAS - 1)
        await load.flows(timeout_seconds=120)
    await world.settle()
    await nodes.require_in_sync(REPLICAS - 1)


async def _is_refused(world: World) -> bool:
    """Say whether the webhook answers that a reply was not taken; the gateway posts it again for as long as that."""
    form = {"from": world.shop.phones[-1], "to": world.shop.numbers[world.shop.list_ids[0]], "body": "hello"}
    async with aiohttp.ClientSession() as http, http.post(world.shop.account.webhook_url, data=form) as response:
        return response.status == 503


async def test_three_nodes_are_three_copies_of_which_two_are_required(world: World) -> None:
    settings = world.stack.kafka_settings()
    assert settings.replication_factor == REPLICAS
    await check_topics(settings)


async def test_all_nodes_killed_at_once_under_load(world: World, nodes: Nodes) -> None:
    async with world.load() as load:
        await load.flows()
        await nodes.cluster.kill()
        async with world.outage("Kafka"):
            await longer_than(A_DECISION_LIVES + 1)
        await nodes.cluster.start()
        await load.flows(timeout_seconds=120)
    await world.settle()
    await nodes.until_in_sync()
