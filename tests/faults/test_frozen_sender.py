"""A sender that was frozen between its decision and the call decides again (G1)."""

import pytest

from faults.waiting import until
from faults.world import A_DECISION_LIVES, SESSION_SECONDS, World, is_frozen, longer_than

pytestmark = pytest.mark.timeout(240)


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
    await world.fate(decided, "message_suppressed")
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
