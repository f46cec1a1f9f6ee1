"""Clicks on opt-out links through the real pipeline: placed by the token alone, and never before their message."""

from datetime import UTC, datetime
from uuid import uuid4

from optout_world import NUMBER, OptOutWorld

from shared.events.base import derived_id
from shared.events.delivery import MessageDispatching, delivery_event_id
from shared.events.inbound import LinkConfirmed, LinkUndone
from shared.opt_out_links import link_token, partition_of_token
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES

LIST = 7


class Message:
    """A message with a link, to a phone of its own."""

    def __init__(self, world: OptOutWorld) -> None:
        self.world = world
        world.phone = f"+1415555{uuid4().int % 10_000:04d}"
        self.message_id = f"m-{uuid4().hex[:10]}"
        self.token = link_token("k" * 20, world.account_id, self.message_id, world.partition, world.partitions)
        assert partition_of_token(self.token, world.partitions) == world.partition

    async def leaves(self) -> None:
        announced = MessageDispatching(
            event_id=delivery_event_id(self.world.account_id, self.message_id, "message_dispatching"),
            occurred_at=datetime.now(UTC),
            account_id=self.world.account_id,
            message_id=self.message_id,
            list_id=LIST,
            phone=self.world.phone,
            sender_number=NUMBER,
            decision_started_at=datetime.now(UTC),
            link_token=self.token,
        )
        await self.world.write(DELIVERY_EVENTS, announced)

    async def is_confirmed(self, *, all_lists: bool = False) -> None:
        event_id = derived_id(self.token, "confirmed", str(all_lists))
        event = LinkConfirmed(event_id=event_id, occurred_at=datetime.now(UTC), token=self.token, all_lists=all_lists)
        await self.world.write(INBOUND_MESSAGES, event, self.token.encode())

    async def is_undone(self) -> None:
        event = LinkUndone(event_id=uuid4(), occurred_at=datetime.now(UTC), token=self.token)
        await self.world.write(INBOUND_MESSAGES, event, self.token.encode())

    async def entries(self) -> list[str]:
        rows = await self.world.fetch(
            "SELECT entry::json ->> 'answer' FROM decisions WHERE account_id = $1 AND phone = $2 ORDER BY sequence",
            self.world.account_id,
            self.world.phone,
        )
        return [row[0] for row in rows]


async def test_a_click_right_after_the_message_left_leaves_its_list_and_an_undo_comes_back(world: OptOutWorld) -> None:
    await world.service.start()
    message = Message(world)
    await message.leaves()
    await message.is_confirmed()
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_out"}
    await message.is_confirmed()
    await message.is_undone()
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_in"}
    await message.is_confirmed(all_lists=True)
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_in", "account": "opted_out"}
    assert await message.entries() == ["opt_out", "opt_in", "opt_out"]


async def test_a_click_on_a_link_that_nobody_has_is_parked_and_changes_nothing(world: OptOutWorld) -> None:
    await world.service.start()
    message = Message(world)
    await message.is_confirmed()
    await world.fence()
    assert world.suppressions() == {}
    (parked,) = world.parked()
    assert dict(parked.headers)["parked_reason"] == b"unknown_link"


async def test_what_was_clicked_is_published_again_after_the_process_died(world: OptOutWorld) -> None:
    message = Message(world)
    await message.leaves()
    await world.service.start("optout.after_record_commit=kill", wait=False)
    await message.is_confirmed()
    assert await world.service.wait_exit() != 0
    await world.service.start()
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_out"}
    assert await message.entries() == ["opt_out"]
