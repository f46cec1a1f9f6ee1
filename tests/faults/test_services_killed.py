"""Each service is killed, as by `kill -9`, between every two of its writes, under load; no guarantee breaks."""

import signal

import pytest

from faults.world import World

pytestmark = pytest.mark.timeout(240)

# Which arrival at the place is the last one. The opt-out service publishes once for each partition when it starts:
# the places in its Kafka transaction are left until messages go through them.
AFTER_START = 14
OPTOUT = {
    "optout.after_poll": 6,
    "optout.after_position": 2,
    "optout.after_load": 2,
    "optout.before_record_commit": 2,
    "optout.after_record_commit": 2,
    "optout.after_begin": AFTER_START,
    "optout.after_sends": AFTER_START,
    "optout.after_offsets": AFTER_START,
    "optout.before_kafka_commit": AFTER_START,
    "optout.after_kafka_commit": AFTER_START,
}
SENDER = {
    "sender.before_fence": 3,
    "sender.after_fence": 3,
    "sender.after_claim": 3,
    "sender.after_dispatching_event": 3,
    "sender.after_carrier_call": 3,
    "sender.after_settle": 3,
    "sender.after_outcome_event": 3,
    "sender.after_drop_rows": 2,
    "sender.after_drop_events": 2,
    "sender.after_waiting_rows": 3,
    "sender.after_taken": 3,
    "sender.after_woken": 3,
    "sender.before_commit": 3,
    "sender.after_commit": 3,
}
INBOUND = {"inbound.before_publish": 3, "inbound.after_publish": 3}


@pytest.mark.parametrize("failpoint", [*OPTOUT, *SENDER, *INBOUND])
async def test_a_service_killed_between_two_writes_breaks_no_guarantee(failpoint: str, world: World) -> None:
    hit = {**OPTOUT, **SENDER, **INBOUND}[failpoint]
    service = world.service(failpoint.partition(".")[0])
    async with world.load() as load:
        await load.flows()
        await service.stop()
        # Not waited for: where the load is quick it is killed before it says that it is ready.
        await service.start(failpoint=f"{failpoint}=kill@{hit}", wait=False)
        assert await service.wait_exit(60) == -signal.SIGKILL, "the load must lead to the failpoint"
        await service.start()
        await load.flows()
    await world.settle()


async def test_an_opt_out_service_killed_while_it_starts_breaks_no_guarantee(world: World) -> None:
    service = world.service("optout")
    async with world.load() as load:
        await load.flows()
        await service.kill()
        await service.start(failpoint="optout.after_sends=kill@3", wait=False)
        assert await service.wait_exit(30) == -signal.SIGKILL
        await service.start()
        await load.flows()
    await world.settle()
