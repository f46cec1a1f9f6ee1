"""Gateways post twice, late, and in any order."""

import asyncio
import random
import time

import pytest

from faults.waiting import until
from faults.world import World

pytestmark = pytest.mark.timeout(240)


async def test_webhooks_posted_three_times_and_late_under_load(world: World) -> None:
    await world.sandbox.set_faults(duplicate_webhooks=2, late_webhooks_seconds=0.3, receipts=True)
    async with world.load() as load:
        await load.flows(more_calls=60)
    history = await world.settle()
    assert len(history.replies) > 2 * len(history.entries), "every webhook came three times"


@pytest.mark.parametrize("seed", range(3))
async def test_an_old_start_that_arrives_after_a_newer_stop_changes_nothing(seed: int, world: World) -> None:
    """STOP, START, STOP as written; the last STOP is newest, so the person is out however the webhooks arrive."""
    written = [("STOP", 0), ("START", 10), ("STOP", 20)]
    list_id, now = world.shop.list_ids[0], int(time.time())
    for phone in world.shop.phones:
        await world.arrives(await world.send(phone, list_id))
    order = random.Random(seed)  # noqa: S311 (an order, no secret)

    async def reply_in_some_order(phone: str) -> None:
        forms = [(body, now - 60 + second, f"{phone}-{second}") for body, second in written] * 2
        order.shuffle(forms)
        for body, timestamp, message_id in forms:
            await world.reply(phone, body, timestamp=timestamp, message_id=message_id)

    await asyncio.gather(*(reply_in_some_order(phone) for phone in world.shop.phones))

    async def all_out() -> bool:
        return all([await world.is_state("opted_out", phone, list_id) for phone in world.shop.phones])

    await until("everybody is opted out", all_out)
    dropped = [await world.send(phone, list_id) for phone in world.shop.phones]
    for request in dropped:
        await world.outcome(request, "message_suppressed")
    await world.settle()


async def test_a_repeated_stop_does_not_undo_a_start(world: World) -> None:
    phone, list_id = world.shop.phones[0], world.shop.list_ids[0]
    await world.arrives(await world.send(phone, list_id))
    stop = await world.reply(phone, "STOP", message_id="the-stop")
    await world.reply(phone, "START")
    await world.reply(phone, "STOP", message_id="the-stop", timestamp=int(stop["form"]["timestamp"]))
    await world.arrives(await world.send(phone, list_id))
    await world.settle()
