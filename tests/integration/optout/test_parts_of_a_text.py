"""A long text that came in parts, on the real pipeline: each is decided at once, and the whole one with the last."""

from typing import Any
from uuid import uuid4

from optout_world import OptOutWorld

FIRST = "I have been a customer of yours for eleven years now and I have always liked the coats. But please st"
LAST = "op texting me"


async def says_part(world: OptOutWorld, number: int, body: str) -> None:
    await world.says(body, part=f"{number}/2 of 173", gateway_message_id=uuid4().hex)


async def shown(world: OptOutWorld) -> list[Any]:
    await world.fence()
    query = (
        "SELECT body, entry::jsonb #>> '{part,is_decided_by_whole}' AS by_whole FROM decisions WHERE account_id = $1"
    )
    return [tuple(row) for row in await world.fetch(f"{query} ORDER BY sequence", world.account_id)]


async def test_a_request_that_is_cut_in_two_counts_with_the_last_part_though_the_service_was_killed_in_between(
    world: OptOutWorld,
) -> None:
    await world.service.start()
    await world.was_sent(7)
    await says_part(world, 1, FIRST)
    await world.fence()
    assert world.suppressions_of(world.phone) == {}
    await world.service.kill()
    await world.service.start()
    await says_part(world, 2, LAST)
    assert await shown(world) == [(FIRST, "false"), (FIRST + LAST, "true")]
    assert world.suppressions_of(world.phone).keys() == {"list:7"}


async def test_what_was_written_before_an_erasure_is_not_in_a_text_after_it(world: OptOutWorld) -> None:
    await world.service.start()
    await world.fetch("INSERT INTO accounts (account_id, name) VALUES ($1, 'A')", world.account_id)
    await says_part(world, 1, FIRST)
    await world.fence()
    await world.fetch(
        "INSERT INTO jobs (job_id, account_id, kind, input, state) VALUES"
        " (gen_random_uuid(), $1, 'erasure', jsonb_build_object('phone', $2::text), 'cancelled')",
        world.account_id,
        world.phone,
    )
    await says_part(world, 2, LAST)
    assert await shown(world) == [(FIRST, "false"), (LAST, "false")]
