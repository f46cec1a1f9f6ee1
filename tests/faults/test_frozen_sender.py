"""A sender that was frozen between its decision and the call decides again (G1).

The checker holds every call against the kernel's time at the carrier's socket, without any slack (`tap.py`).
"""

import random

import pytest

from faults.waiting import until
from faults.world import A_DECISION_LIVES, SESSION_SECONDS, World, is_frozen, longer_than

pytestmark = pytest.mark.timeout(240)

A_LITTLE_MORE_THAN_FRESH = 1.2
FREEZES = 4


@pytest.mark.parametrize("place", ["sender.after_fence", "sender.after_claim", "sender.after_dispatching_event"])
async def test_a_stop_acknowledged_while_the_sender_was_frozen_is_heard(place: str, world: World) -> None:
    phone, list_id = world.shop.phones[0], world.shop.list_ids[0]
    await world.arrives(await world.send(phone, list_id))
    sender = world.service("sender")
    await sender.stop()
    await sender.start(failpoint=f"{place}=stop@1")
    decided = await world.send(phone, list_id)
    await until("the sender is frozen", lambda: is_frozen(sender))
    await world.reply(phone, "STOP")
    await longer_than(A_DECISION_LIVES)
    await sender.resume()
    await world.outcome(decided, "message_suppressed")
    await world.settle()


async def test_a_sender_frozen_for_longer_than_its_session_breaks_no_guarantee(world: World) -> None:
    sender = world.service("sender")
    async with world.load() as load:
        await load.flows()
        await sender.pause()
        await longer_than(SESSION_SECONDS + 1.5)
        await sender.resume()
        await load.flows(timeout_seconds=60)
    await world.settle()


@pytest.mark.parametrize("place", ["sender.with_connection", "sender.at_the_write"])
async def test_frozen_at_the_write_itself_again_and_again_it_sends_nothing_late(place: str, world: World) -> None:
    """The place is where the bytes are about to leave: as close to the write as a process can be stopped."""
    phones, list_id = world.shop.phones[:FREEZES], world.shop.list_ids[0]
    for phone in phones:
        await world.arrives(await world.send(phone, list_id))
    sender = world.service("sender")
    await sender.restart(failpoint=f"{place}=stop@*")
    for phone in phones:
        decided = await world.send(phone, list_id)
        await until("the sender is frozen", lambda: is_frozen(sender))
        await world.reply(phone, "STOP")
        await longer_than(A_LITTLE_MORE_THAN_FRESH)
        await sender.resume()
        await world.outcome(decided, "message_suppressed")
    await sender.restart()
    await world.settle()


async def test_a_sender_frozen_at_any_moment_under_load_sends_nothing_late(world: World) -> None:
    sender, chance = world.service("sender"), random.Random(0)  # noqa: S311 (moments, no secret)
    async with world.load() as load:
        for _ in range(FREEZES):
            await load.flows(chance.randrange(5, 25), timeout_seconds=60)
            await sender.pause()
            await longer_than(chance.uniform(A_LITTLE_MORE_THAN_FRESH, 3))
            await sender.resume()
        await load.flows(timeout_seconds=60)
    await world.settle()
