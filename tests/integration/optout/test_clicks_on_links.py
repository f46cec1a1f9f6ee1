"""Clicks on opt-out links through the real pipeline: placed by the token alone, and never before their message."""

from datetime import UTC, datetime
from uuid import uuid4

from linked_message import LIST, LinkedMessage
from optout_world import OptOutWorld

from shared.events.inbound import OptOutRequested
from shared.topics import INBOUND_MESSAGES


async def test_a_click_right_after_the_message_left_leaves_its_list_and_an_undo_comes_back(world: OptOutWorld) -> None:
    await world.service.start()
    message = LinkedMessage(world)
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


async def test_an_undo_lifts_nothing_that_a_phone_call_asked_for_after_the_click(world: OptOutWorld) -> None:
    await world.service.start()
    message = LinkedMessage(world)
    await message.leaves()
    await message.is_confirmed()
    await world.fence()
    by_phone = OptOutRequested(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        account_id=world.account_id,
        phone=world.phone,
        scopes=(f"list:{LIST}",),
        by="ada",
        source="phone_call",
    )
    await world.write(INBOUND_MESSAGES, by_phone)
    await world.fence()
    await message.is_undone()
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_out"}


async def test_a_click_on_a_link_that_nobody_has_is_parked_and_changes_nothing(world: OptOutWorld) -> None:
    await world.service.start()
    message = LinkedMessage(world)
    await message.is_confirmed()
    await world.fence()
    assert world.suppressions() == {}
    (parked,) = world.parked()
    assert dict(parked.headers)["parked_reason"] == b"unknown_link"


async def test_what_was_clicked_is_published_again_after_the_process_died(world: OptOutWorld) -> None:
    message = LinkedMessage(world)
    await message.leaves()
    again = datetime.now(UTC)
    await message.leaves()  # called again: an erasure from before this must not take its link
    await world.service.start("optout.after_record_commit=kill", wait=False)
    await message.is_confirmed()
    assert await world.service.wait_exit() != 0
    await world.service.start()
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_out"}
    assert await message.entries() == ["opt_out"]
    links = await world.fetch("SELECT dispatched_at FROM opt_out_links WHERE token = $1", message.token)
    assert [row[0] >= again for row in links] == [True]
