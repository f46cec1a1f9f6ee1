"""Messages for later, on a real Kafka and Postgres: they are decided when they leave, not when they are requested."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sender_world import World, until

from services.sender.ledger.model import key_of
from shared.events.outbound import MessageCancelRequested, MessageRequested
from shared.postgres import Pool

pytestmark = pytest.mark.usefixtures("only_sender")


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def cancel_of(asked: MessageRequested) -> bytes:
    cancel = MessageCancelRequested(account_id=asked.account_id, message_id=asked.message_id)
    return cancel.model_dump_json().encode()


async def waits(world: World, *asked: MessageRequested) -> None:
    await until("it waits", lambda: all("message_waiting" in world.kafka.published(each) for each in asked))


async def rejected(world: World, asked: MessageRequested) -> Any:
    await until("rejected", lambda: "message_rejected" in world.kafka.published(asked))
    return world.kafka.event(asked, "message_rejected")


async def waiting_rows(pool: Pool, world: World) -> list[str]:
    rows = await pool.fetch(
        "SELECT message_id FROM waiting_messages WHERE account_id = $1 ORDER BY message_id", world.account_id
    )
    return [row["message_id"] for row in rows]


async def test_a_message_leaves_at_its_time_and_not_before(world: World, pool: Pool) -> None:
    asked = world.request(1, send_at=soon(2.0))
    await world.kafka.produce(asked)
    await waits(world, asked)
    event = world.kafka.event(asked, "message_waiting")
    assert (event.until, event.reason, event.phone) == (asked.send_at, "send_at", asked.phone)
    assert await waiting_rows(pool, world) == ["m-1"]
    await until("sent", lambda: world.has_outcome(asked) and "message_sent" in world.kafka.published(asked))
    (call,) = await world.sandbox.calls(world.account_id)
    assert asked.send_at is not None
    assert world.kafka.event(asked, "message_dispatching").decision_started_at >= asked.send_at
    assert call["message_id"] == "m-1"
    await until("its row is gone", lambda: _none_waits(pool, world))


async def _none_waits(pool: Pool, world: World) -> bool:
    return not await waiting_rows(pool, world)


async def test_a_stop_that_overtakes_a_waiting_message_drops_it(world: World) -> None:
    asked = world.request(2, send_at=soon(1.5))
    await world.kafka.produce(asked)
    await waits(world, asked)
    await world.opt_out.suppress(asked, "list:7")
    await until("dropped", lambda: world.kafka.published(asked)[-1] == "message_suppressed")
    assert await world.calls() == []


async def test_a_rule_that_is_switched_off_in_between_has_it_rejected(world: World) -> None:
    asked = world.request(3, send_at=soon(1.5))
    await world.kafka.produce(asked)
    await waits(world, asked)
    await world.opt_out.account(world.account_id, words={"*": ()})
    assert (await rejected(world, asked)).reason == "word_without_rule"
    assert await world.calls() == []


async def test_a_message_that_could_leave_only_after_its_validity_is_rejected_and_never_sent(world: World) -> None:
    late = world.request(4, valid_until=soon(-1))
    crossed = world.request(5, send_at=soon(60), valid_until=soon(30))
    far = world.request(6, send_at=soon(400 * 86_400))
    await world.kafka.produce(late, crossed, far)
    assert (await rejected(world, late)).reason == "expired"
    assert (await rejected(world, crossed)).reason == "invalid_times"
    assert (await rejected(world, far)).reason == "too_far"
    assert await world.calls() == []


async def test_a_cancelled_message_is_rejected_and_one_that_has_left_has_its_outcome_published_again(
    world: World, pool: Pool
) -> None:
    asked, gone = world.request(7, send_at=soon(60)), world.request(8)
    await world.kafka.produce(asked, gone)
    await waits(world, asked)
    await until("sent", lambda: world.has_outcome(gone))
    await world.kafka.produce_raw(cancel_of(asked))
    await world.kafka.produce_raw(cancel_of(gone))
    assert (await rejected(world, asked)).reason == "cancelled"
    await until("published again", lambda: world.kafka.times_published(gone, "message_sent") == 2)
    assert await world.calls() == ["m-8"]
    assert await waiting_rows(pool, world) == []


async def test_a_message_that_was_cancelled_before_it_came_is_not_sent(world: World) -> None:
    asked = world.request(9)
    await world.kafka.produce_raw(cancel_of(asked))
    assert (await rejected(world, asked)).phone is None
    await world.kafka.produce(asked)
    await until("rejected again", lambda: world.kafka.times_published(asked, "message_rejected") == 2)
    assert world.kafka.outcomes[key_of(asked)][-1].phone == asked.phone
    assert await world.calls() == []


async def test_a_second_request_with_the_id_of_a_waiting_message_changes_nothing(world: World) -> None:
    asked = world.request(10, send_at=soon(2))
    again = world.request(10, phone="+14155550999", body="Another. Reply STOP to opt out.")
    await world.kafka.produce(asked)
    await waits(world, asked)
    await world.kafka.produce(again)
    await until("said again", lambda: world.kafka.times_published(asked, "message_waiting") == 2)
    await until("sent", lambda: "message_sent" in world.kafka.published(asked))
    (call,) = await world.sandbox.calls(world.account_id)
    assert call["to"] == asked.phone


async def test_a_row_that_cannot_be_read_is_parked_and_stops_nothing(world: World, pool: Pool) -> None:
    broken, good = world.request(11, send_at=soon(1.5)), world.request(12, send_at=soon(1.5))
    await world.kafka.produce(broken, good)
    await waits(world, broken, good)
    changed = json.dumps({"type": "message_requested", "account_id": world.account_id, "message_id": "m-11"})
    await pool.execute(
        "UPDATE waiting_messages SET request = $2 WHERE message_id = 'm-11' AND account_id = $1",
        world.account_id,
        changed,
    )
    await until("the other is sent", lambda: "message_sent" in world.kafka.published(good))
    assert (await rejected(world, broken)).reason == "unreadable"
    await until("parked", lambda: [each for each in world.kafka.parked if each.value == changed.encode()])
    await until("both rows are gone", lambda: _none_waits(pool, world))
