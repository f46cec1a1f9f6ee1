"""An erased recipient's phone leaves the ledger; what became of the messages, and that none goes twice, stays."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
from sender_world import World, until

from shared.events.codec import encode
from shared.events.delivery import RecipientErased
from shared.partitions import partition_of

PARTITIONS = 3
PHONES = "SELECT message_id, phone, state FROM messages WHERE account_id = $1 ORDER BY message_id"
OPEN = "UPDATE messages SET state = $3 WHERE account_id = $1 AND message_id = $2"


async def ledger(world: World, sql: str, *values: object) -> list[Any]:
    connection = await asyncpg.connect(world.backend.sender_database_url)
    try:
        return list(await connection.fetch(sql, *values))
    finally:
        await connection.close()


async def waiting(world: World) -> list[Any]:
    return await ledger(world, "SELECT phone FROM erasures WHERE account_id = $1", world.account_id)


async def due(world: World) -> None:
    await ledger(world, "UPDATE erasures SET next_step_at = now() WHERE account_id = $1", world.account_id)


async def test_an_erased_phone_leaves_the_ledger_and_its_messages_are_not_sent_again(world: World) -> None:
    asked = [world.request(number, phone="+14155550100") for number in range(2)] + [world.request(2)]
    await world.kafka.produce(*asked)
    await until("sent", lambda: all(map(world.has_outcome, asked)))
    event = RecipientErased(
        event_id=uuid4(), occurred_at=datetime.now(UTC), account_id=world.account_id, phone=asked[0].phone
    )
    # One is in the middle of its call: its event still needs the phone.
    await ledger(world, OPEN, world.account_id, "m-1", "dispatching")
    await world.kafka.produce_delivery_event(encode(event), partition_of(event.phone, PARTITIONS))
    await until("noted", lambda: waiting(world))
    await due(world)
    erased = "SELECT FROM messages WHERE account_id = $1 AND phone = 'erased'"
    await until("the first is erased", lambda: ledger(world, erased, world.account_id))
    found = {row["message_id"]: row["phone"] for row in await ledger(world, PHONES, world.account_id)}
    assert found == {"m-0": "erased", "m-1": asked[1].phone, "m-2": asked[2].phone}
    assert await waiting(world)

    await ledger(world, OPEN, world.account_id, "m-1", "sent")
    await due(world)
    await until("done", lambda: _is_done(world))
    found = {row["message_id"]: (row["phone"], row["state"]) for row in await ledger(world, PHONES, world.account_id)}
    assert found == {"m-0": ("erased", "sent"), "m-1": ("erased", "sent"), "m-2": (asked[2].phone, "sent")}

    await world.kafka.produce(*asked)
    await until("published again", lambda: all(world.kafka.times_published(each, "message_sent") > 1 for each in asked))
    again = [world.kafka.outcomes[each.account_id, each.message_id][-1] for each in asked]
    assert [each.phone for each in again] == [each.phone for each in asked]
    assert sorted(await world.calls()) == ["m-0", "m-1", "m-2"]


async def test_a_message_that_waits_for_an_erased_recipient_is_rejected_and_its_text_is_gone(world: World) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    asked, other = world.request(3, send_at=later), world.request(4, send_at=later)
    await world.kafka.produce(asked, other)
    await until("they wait", lambda: all("message_waiting" in world.kafka.published(each) for each in (asked, other)))
    event = RecipientErased(
        event_id=uuid4(), occurred_at=datetime.now(UTC), account_id=world.account_id, phone=asked.phone
    )
    await world.kafka.produce_delivery_event(encode(event), partition_of(event.phone, PARTITIONS))
    await until("noted", lambda: waiting(world))
    await until("done", lambda: _is_done(world))
    kept = "SELECT message_id FROM waiting_messages WHERE account_id = $1"
    assert [row["message_id"] for row in await ledger(world, kept, world.account_id)] == ["m-4"]
    found = {row["message_id"]: (row["phone"], row["state"]) for row in await ledger(world, PHONES, world.account_id)}
    assert found == {"m-3": ("erased", "rejected"), "m-4": (other.phone, "waiting")}
    await until("published", lambda: "message_rejected" in world.kafka.published(asked))
    rejected = world.kafka.event(asked, "message_rejected")
    assert (rejected.reason, rejected.phone) == ("erased", None)


async def _is_done(world: World) -> bool:
    """Have it go on at once, however often it looked too early."""
    await due(world)
    return not await waiting(world)
