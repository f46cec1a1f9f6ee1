"""Clicks on opt-out links through the real pipeline: placed by the token alone, and never before their message."""

from linked_message import LIST, LinkedMessage
from optout_world import OptOutWorld


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
    await world.service.start("optout.after_record_commit=kill", wait=False)
    await message.is_confirmed()
    assert await world.service.wait_exit() != 0
    await world.service.start()
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_out"}
    assert await message.entries() == ["opt_out"]
