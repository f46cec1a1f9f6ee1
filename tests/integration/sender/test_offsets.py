"""Offsets are committed when every message below them has an outcome that is stored and published, and not before."""

import asyncio
import time

import pytest
from aiohttp import ClientSession
from sender_world import Kafka, World, frozen, until

from harness.stack.service import Service

pytestmark = pytest.mark.timeout(180)

SWEEP_AFTER_SECONDS = 15
BEFORE_THE_COMMIT = (
    "sender.before_fence",
    "sender.after_fence",
    "sender.after_drop_rows",
    "sender.after_drop_events",
    "sender.after_claim",
    "sender.after_dispatching_event",
    "sender.after_carrier_call",
    "sender.after_settle",
    "sender.after_outcome_event",
    "sender.before_commit",
)


@pytest.mark.parametrize("place", BEFORE_THE_COMMIT)
async def test_nothing_is_committed_before_the_batch_has_its_outcomes(place: str, world: World) -> None:
    await world.sender.stop()
    asked = [world.request(number) for number in range(6)]
    for dropped in asked[:2]:
        await world.opt_out.suppress(dropped, "account")
    places = await world.kafka.produce(*asked, partition=0)
    await world.sender.start(failpoint=f"{place}=stop@1", wait=False)
    await until(f"frozen at {place}", lambda: frozen(world.sender))
    assert (await world.kafka.committed()).get(0, 0) <= places[0].offset
    await world.sender.resume()
    await until("all have an outcome", lambda: all(world.has_outcome(each) for each in asked))
    await until("committed", lambda: _committed(world.kafka, 0, places[-1].offset + 1))
    assert [world.kafka.published(each)[-1] for each in asked] == ["message_suppressed"] * 2 + ["message_sent"] * 4
    assert sorted(await world.calls()) == [each.message_id for each in asked[2:]]


async def test_a_second_sender_that_joins_in_the_middle_of_a_batch_skips_and_repeats_nothing(world: World) -> None:
    await world.sandbox.set_faults(latency_seconds=0.3)
    asked = [world.request(number) for number in range(2_000)]
    places = await world.kafka.produce(*asked)
    seen: list[tuple[float, dict[int, int]]] = []
    await until("a batch is in the middle", lambda: any(world.has_outcome(each) for each in asked))
    joins = asyncio.create_task(world.second_sender.start())
    async with asyncio.timeout(90):
        while not all(world.has_outcome(each) for each in asked):
            committed = await world.kafka.committed()
            seen.append((time.time() * 1000, committed))
            await asyncio.sleep(0.02)  # between two looks at the condition
    await joins
    calls = await world.calls()
    assert sorted(calls) == sorted(each.message_id for each in asked)
    too_early = [
        (each.message_id, offset)
        for at_ms, committed in seen
        for each, place in zip(asked, places, strict=True)
        if (offset := committed.get(place.partition, 0)) > place.offset
        and world.kafka.outcome_published_ms[world.account_id, each.message_id] > at_ms
    ]
    assert too_early == []
    assert len({tuple(committed.items()) for _, committed in seen}) > 3, "commits were seen on the way"
    await _both_work(world)


async def _both_work(world: World) -> None:
    """Prove that the partitions were shared: of messages that come now, each sender handles some."""
    senders = (world.sender, world.second_sender)
    before = [await _handled(service) for service in senders]
    asked = [world.request(2_000 + number) for number in range(60)]
    await world.kafka.produce(*asked)
    await until("all have an outcome", lambda: all(world.has_outcome(each) for each in asked))
    after = [await _handled(service) for service in senders]
    assert all(now > then for now, then in zip(after, before, strict=True)), (before, after)


async def _handled(service: Service) -> float:
    async with ClientSession() as http, http.get(service.metrics_url) as response:
        lines = (await response.text()).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("stopline_sender_messages_total"))


@pytest.mark.parametrize("place", ["sender.after_claim", "sender.after_carrier_call"])
async def test_calls_of_a_killed_sender_are_soon_unknown_and_never_made_again(place: str, world: World) -> None:
    await world.sender.stop()
    asked = [world.request(number) for number in range(3)]
    await world.kafka.produce(*asked, partition=0)
    await world.sender.start(failpoint=f"{place}=kill@1", wait=False)
    await world.sender.wait_exit()
    calls = len(await world.calls())
    await world.sender.start()
    began = time.monotonic()
    await until(
        "unknown", lambda: all(world.kafka.published(each)[-1:] == ["message_outcome_unknown"] for each in asked)
    )
    assert time.monotonic() - began < SWEEP_AFTER_SECONDS, "the dead process' lock is gone: no call is waited out"
    assert len(await world.calls()) == calls


async def test_a_message_decided_before_the_sender_was_frozen_is_decided_again(world: World) -> None:
    await world.sender.stop()
    asked = world.request(1)
    await world.kafka.produce(asked)
    await world.sender.start(failpoint="sender.after_dispatching_event=stop@1", wait=False)
    await until("frozen", lambda: frozen(world.sender))
    frozen_at = time.monotonic()
    await world.opt_out.suppress(asked, "list:7")
    await until("the decision is too old", lambda: time.monotonic() > frozen_at + 1.0)
    await world.sender.resume()
    await until("dropped", lambda: world.kafka.published(asked)[-1:] == ["message_suppressed"])
    assert await world.calls() == []


async def _committed(kafka: Kafka, partition: int, offset: int) -> bool:
    return (await kafka.committed()).get(partition, 0) >= offset
