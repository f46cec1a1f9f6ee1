"""Whatever is unavailable makes messages wait; nothing is called meanwhile, and each is called once when it is back."""

import json

import pytest
from aiohttp import ClientConnectionError, ClientSession
from aiokafka import ConsumerRecord
from sender_world import Kafka, World, until

from harness.stack.service import Service
from shared.parked_records import offsets_of
from shared.parking import RECORDS_A_MINUTE

pytestmark = pytest.mark.timeout(180)


async def _readiness(service: Service) -> tuple[int, str]:
    try:
        async with ClientSession() as http, http.get(f"{service.url}/health/ready") as response:
            return response.status, await response.text()
    except ClientConnectionError:
        return 0, "it does not listen yet"


async def _not_ready(service: Service, why: str) -> bool:
    status, text = await _readiness(service)
    return status == 503 and why in text


async def test_messages_wait_for_a_carrier_that_cannot_be_reached(world: World) -> None:
    asked = [world.request(number) for number in range(5)]
    await world.sandbox_service.kill()
    await world.kafka.produce(*asked)
    await until("not ready", lambda: _not_ready(world.sender, "a batch waits"))
    assert {outcome for each in asked for outcome in world.kafka.published(each)} <= {"message_dispatching"}
    await world.sandbox_service.start()
    await world.until_sent(*asked)
    assert len(await world.calls()) == len(asked)
    assert (await _readiness(world.sender))[0] == 200


async def test_a_suppression_that_came_while_the_carrier_was_unavailable_is_heard(world: World) -> None:
    asked = world.request(1)
    await world.sandbox_service.kill()
    await world.kafka.produce(asked)
    await until("not ready", lambda: _not_ready(world.sender, "a batch waits"))
    await world.opt_out.suppress(asked, "account")
    await until("dropped", lambda: world.kafka.published(asked)[-1:] == ["message_suppressed"])
    await world.sandbox_service.start()
    assert await world.calls() == []


async def test_no_message_is_decided_while_the_opt_out_service_is_silent(world: World) -> None:
    asked = world.request(1)
    world.opt_out.answers.clear()
    await world.kafka.produce(asked)
    await until("not ready", lambda: _not_ready(world.sender, "a batch waits"), 40)
    assert await world.calls() == []
    world.opt_out.answers.set()
    await world.until_sent(asked)


async def test_an_opt_out_service_that_is_silent_makes_the_sender_not_ready_although_no_message_waits(
    world: World,
) -> None:
    await world.second_sender.start(extra_env={"STOPLINE_SILENCE_SECONDS": "3"}, wait=False)
    await until("not ready", lambda: _not_ready(world.second_sender, "the opt-out service has said nothing for 3 s"))

    async def ready_once_it_speaks() -> bool:
        await world.kafka.produce(*(world.request(number) for number in range(20)))
        return await _is_ready(world.second_sender)

    await until("ready", ready_once_it_speaks)
    await until("not ready", lambda: _not_ready(world.second_sender, "the opt-out service has said nothing for 3 s"))


@pytest.mark.parametrize("outage", ["kill", "pause"])
async def test_messages_wait_for_a_ledger_that_is_unavailable(outage: str, world: World) -> None:
    asked = [world.request(number) for number in range(5)]
    await (world.backend.kill_postgres() if outage == "kill" else world.backend.pause_postgres())
    await world.kafka.produce(*asked)
    await until("not ready", lambda: _not_ready(world.sender, "Postgres does not answer"))
    assert await world.calls() == []
    await (world.backend.start_postgres() if outage == "kill" else world.backend.resume_postgres())
    await world.until_sent(*asked, seconds=60)
    assert len(await world.calls()) == len(asked)
    await until("ready", lambda: _is_ready(world.sender))


async def _is_ready(service: Service) -> bool:
    return (await _readiness(service))[0] == 200


async def test_answers_that_came_while_the_ledger_was_unavailable_are_not_lost(world: World) -> None:
    asked = [world.request(number) for number in range(5)]
    await world.sandbox.set_faults(latency_seconds=1.0)
    await world.kafka.produce(*asked)
    await until("under way", lambda: _called(world, len(asked)))
    await world.backend.kill_postgres()
    await until("not ready", lambda: _not_ready(world.sender, "a batch waits"))
    await world.backend.start_postgres()
    await world.until_sent(*asked)
    assert all("message_outcome_unknown" not in world.kafka.published(each) for each in asked)
    assert len(await world.calls()) == len(asked)


async def _called(world: World, count: int) -> bool:
    return len(await world.calls()) == count


async def test_a_carrier_that_asks_for_a_pause_gets_it(world: World) -> None:
    first, *others = [world.request(number) for number in range(20)]
    await world.sandbox.set_faults(error_rate=1, error_status=403)
    await world.kafka.produce(first)
    await until("refused", lambda: world.kafka.published(first)[-1:] == ["message_failed"])
    await world.kafka.produce(*others)
    await world.sandbox.set_faults()
    await world.until_sent(*others)
    assert len(await world.calls()) == 20, "none of them was called before the pause was over, or twice"


async def test_a_flood_of_bad_records_is_parked_in_few_records_and_holds_nothing_up(world: World) -> None:
    count = 20 * RECORDS_A_MINUTE
    before, after = world.request(1), world.request(2)
    await world.kafka.produce(before, partition=0)
    bad = await world.kafka.produce_many_raw([f"bad {number} {world.account_id}".encode() for number in range(count)])
    await world.kafka.produce(after, partition=0)
    await world.until_sent(after)
    assert world.is_sent(before)
    await until("all are parked", lambda: set(bad) <= _parked_offsets(world.kafka))
    assert len(_at_partition_0(world.kafka)) <= RECORDS_A_MINUTE + count / 50
    await until("committed", lambda: _committed(world.kafka, bad[-1] + 2))


def _parked_offsets(kafka: Kafka) -> set[int]:
    """Return the offsets of partition 0 that are parked, by themselves or in a summary."""
    found: set[int] = set()
    for record in _at_partition_0(kafka):
        headers = dict(record.headers)
        if headers["parked_reason"] == b"flood":
            found.update(*offsets_of(json.loads(record.value)["offsets"]))
        else:
            found.add(int(headers["original_offset"]))
    return found


def _at_partition_0(kafka: Kafka) -> list[ConsumerRecord]:
    return [each for each in kafka.parked if dict(each.headers).get("original_partition") == b"0"]


async def _committed(kafka: Kafka, offset: int) -> bool:
    return (await kafka.committed()).get(0) == offset


async def test_a_call_under_way_comes_to_its_end_when_the_sender_is_asked_to_stop(world: World) -> None:
    await world.sandbox.set_faults(latency_seconds=1.5)
    asked = world.request(1)
    await world.kafka.produce(asked)
    await until("under way", lambda: _called(world, 1))
    await world.sender.stop()
    await world.until_sent(asked)
