"""Who wrote, on the real pipeline: messages get to the partition of the number that they belong to."""

import asyncio
from uuid import uuid4

from optout_world import SECONDS, OptOutWorld

from shared.events.inbound import NOBODY, MessageReceived, as_reading
from shared.topics import INBOUND_MESSAGES


async def states_of(world: OptOutWorld, phone: str) -> dict[str, str]:
    """Return what is published of a phone once everything before is decided, on its partition too."""
    await world.fence()
    world.phone = phone
    await world.fence()
    return world.suppressions_of(phone)


async def make_account(world: OptOutWorld, country: str | None) -> None:
    await world.fetch(
        "INSERT INTO accounts (account_id, name, country) VALUES ($1, 'A', $2)",
        world.account_id,
        country,
    )


async def has_sent(world: OptOutWorld, phone: str, list_id: int) -> None:
    """Have a message to the phone in the record: a reading of another partition does not wait for it."""
    world.phone = phone
    message_id = await world.was_sent(list_id)
    async with asyncio.timeout(SECONDS):
        query = "SELECT FROM sent_messages WHERE message_id = $1"
        while not await world.fetch(query, message_id):  # noqa: ASYNC110 (another process writes it)
            await asyncio.sleep(0.05)


async def test_a_stop_in_an_older_spelling_is_the_persons_stop(world: OptOutWorld) -> None:
    """An inbound service of an older version wrote it, onto the partition of the number as it was written."""
    await world.service.start()
    number = f"{uuid4().int % 10_000:04d}"
    await has_sent(world, f"+52551234{number}", 7)
    world.phone = f"+521551234{number}"
    stop = await world.says("STOP")
    await world.write(INBOUND_MESSAGES, stop)
    assert await states_of(world, f"+52551234{number}") == {"list:7": "opted_out"}
    assert world.suppressions_of(f"+521551234{number}") == {}
    assert [event.type for event in world.opt_out_events()] == ["opted_out"]


async def test_the_reading_that_was_sent_to_is_opted_out_and_no_other(world: OptOutWorld) -> None:
    await world.service.start()
    dutch, american = readings()
    await has_sent(world, american, 7)
    await write_readings(world, "STOP", dutch, american)
    assert await states_of(world, american) == {"list:7": "opted_out"}
    assert await states_of(world, dutch) == {}
    await write_readings(world, "START", dutch, american)
    assert await states_of(world, american) == {"list:7": "opted_in"}


async def test_where_nothing_was_sent_both_readings_are_opted_out_and_none_is_opted_in(world: OptOutWorld) -> None:
    await world.service.start()
    dutch, american = readings()
    await write_readings(world, "STOP", dutch, american)
    await write_readings(world, "START", dutch, american)
    assert await states_of(world, american) == await states_of(world, dutch) == {"account": "opted_out"}


async def test_the_accounts_country_gives_a_reading_that_the_inbound_service_does_not_know(world: OptOutWorld) -> None:
    await world.service.start()
    await make_account(world, "US")
    dutch, american = readings()
    await has_sent(world, american, 7)
    world.phone = dutch
    await world.says("STOP", written_phone=dutch[1:])
    assert await states_of(world, american) == {"list:7": "opted_out"}
    assert await states_of(world, dutch) == {}


async def test_digits_of_no_country_are_the_number_that_was_sent_to(world: OptOutWorld) -> None:
    await world.service.start()
    national = f"415555{uuid4().int % 10_000:04d}"
    await has_sent(world, f"+1{national}", 7)
    world.phone = f"{NOBODY}{national}"
    await world.says("STOP", written_phone=national)
    assert await states_of(world, f"+1{national}") == {"list:7": "opted_out"}


async def test_states_of_a_merge_are_published_when_the_pipeline_begins(world: OptOutWorld) -> None:
    await world.service.start()
    await world.fence()
    await world.service.kill()
    await world.fetch(
        "INSERT INTO suppressions VALUES ($1, 'account', $2, 'opted_out', $3, NULL, NULL, now())",
        world.account_id,
        world.phone,
        uuid4(),
    )
    await world.fetch(
        "INSERT INTO suppressions_to_publish VALUES ($1, $2, 'account', 1)", world.account_id, world.phone
    )
    await world.service.start()
    await world.fence()
    assert world.suppressions() == {"account": "opted_out"}
    assert await world.fetch("SELECT FROM suppressions_to_publish") == []


def readings() -> tuple[str, str]:
    number = f"{uuid4().int % 1_000:03d}"
    return f"+3125550{number}", f"+13125550{number}"


async def write_readings(world: OptOutWorld, body: str, *phones: str) -> None:
    world.phone = phones[0]
    first = await world.says(body, readings=phones, written_phone=phones[0][1:])
    for phone in phones[1:]:
        world.phone = phone
        await world.write(INBOUND_MESSAGES, MessageReceived.model_validate(as_reading(first, phone)))
