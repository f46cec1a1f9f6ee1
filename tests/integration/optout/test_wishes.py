"""Which message it is, when it was written and what it asks for: on the real Kafka and Postgres."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from optout_world import OptOutWorld

from services.optout.attribution import MAX_CONSIDERED
from shared.events.base import derived_id
from shared.events.delivery import MessageDispatching
from shared.events.inbound import MessageReceived
from shared.topics import DELIVERY_EVENTS


async def was_sent(world: OptOutWorld, list_id: int, instruction: str, at: datetime | None = None) -> str:
    """A message of the list goes to the phone, and offers something; return its id."""
    at = at or datetime.now(UTC)
    message_id = f"m-{uuid4().hex[:10]}"
    announced = MessageDispatching(
        event_id=derived_id(message_id),
        occurred_at=at,
        account_id=world.account_id,
        message_id=message_id,
        list_id=list_id,
        phone=world.phone,
        sender_number="+18335550123",
        decision_started_at=at,
        instruction=instruction,
    )
    await world.write(DELIVERY_EVENTS, announced)
    return message_id


async def test_an_answer_to_another_lists_question_takes_nothing_back(world: OptOutWorld) -> None:
    await world.service.start()
    await was_sent(world, 1, "Sale today. Reply STOP to opt out")
    await world.says("STOP")
    await world.fence()
    asking = await was_sent(world, 2, "Reply YES to subscribe to the news")
    yes = await world.says("YES", replied_message_id=asking)
    await world.fence()
    assert world.suppressions() == {"list:1": "opted_out"}
    [row] = await world.fetch("SELECT entry::json ->> 'message_id' FROM decisions WHERE event_id = $1", yes.event_id)
    assert row[0] == asking
    await world.says("START", replied_message_id=asking)
    await world.fence()
    assert world.suppressions() == {"list:1": "opted_in"}


async def test_a_late_stop_finds_its_message_whatever_has_been_sent_since(world: OptOutWorld) -> None:
    await world.service.start()
    written, offer = datetime.now(UTC) - timedelta(hours=1), "Sale. Reply STOP to opt out"
    await was_sent(world, 1, offer, written - timedelta(hours=1))
    await was_sent(world, 2, offer, written - timedelta(hours=2))
    for number in range(MAX_CONSIDERED + 10):
        await was_sent(world, 3, offer, written + timedelta(minutes=1, seconds=number))
    await world.says("STOP", sent_at=written)
    await world.fence()
    # Of both, the outcome is not known: either may be the last one that arrived.
    assert world.suppressions() == {"list:1": "opted_out", "list:2": "opted_out"}


async def test_a_wish_for_everything_reaches_the_account(world: OptOutWorld) -> None:
    await world.service.start()
    await was_sent(world, 1, "Reply NEWS to leave News, or STOP to end all messages from us")
    await world.says("NEWS")
    await world.fence()
    assert world.suppressions() == {"list:1": "opted_out"}
    await world.says("stop")
    await world.fence()
    assert world.suppressions() == {"list:1": "opted_out", "account": "opted_out"}
    await world.says("START", sender_number="+18335550999")
    await world.fence()
    assert world.suppressions() == {"list:1": "opted_out", "account": "opted_out"}
    await world.says("START")
    await world.says("Stop all")
    await world.fence()
    assert world.suppressions() == {"list:1": "opted_in", "account": "opted_out"}


async def test_messages_that_share_an_id_are_each_decided_and_a_repetition_is_not(world: OptOutWorld) -> None:
    await world.service.start()
    event_id, began = uuid4(), datetime.now(UTC)

    async def says(body: str, seconds: int, **fields: Any) -> MessageReceived:
        received = began + timedelta(seconds=seconds)
        return await world.says(body, event_id=event_id, gateway_message_id="0", occurred_at=received, **fields)

    for second, body in enumerate(("STOP", "START", "STOP")):
        await says(body, second)
        await world.fence()
    assert world.suppressions() == {"account": "opted_out"}
    assert [event.type for event in world.opt_out_events()] == ["opted_out", "opted_in", "opted_out"]
    await says("STOP", 3)
    await world.fence()
    rows = await world.fetch("SELECT entry::json ->> 'came_as' FROM decisions WHERE account_id = $1", world.account_id)
    assert [row[0] for row in rows].count(str(event_id)) == len(rows) - 1 == 2
    await world.service.kill()
    await world.service.start()
    await says("START", 1)
    await world.fence()
    assert world.suppressions() == {"account": "opted_out"}, "a repetition of what is on record"


async def test_a_start_that_may_have_been_written_before_the_stop_brings_nobody_back(world: OptOutWorld) -> None:
    await world.service.start()
    now = datetime.now(UTC).replace(microsecond=0)
    await world.says("STOP", sent_at=now - timedelta(seconds=30))
    for start in (
        {"sent_at": now - timedelta(seconds=30)},
        {"sent_at": None},
        {"unusable_sent_at": "next year"},
        {"sent_at": now + timedelta(days=3000)},
    ):
        await world.says("START", **start)
    await world.fence()
    assert world.suppressions() == {"account": "opted_out"}
    await world.says("STOP", sent_at=now - timedelta(seconds=40))
    await world.says("START", sent_at=now - timedelta(seconds=35))
    await world.fence()
    assert world.suppressions() == {"account": "opted_out"}, "the older STOP does not make the newer one older"
    await world.says("START", sent_at=now - timedelta(seconds=29))
    await world.fence()
    assert world.suppressions() == {"account": "opted_in"}
