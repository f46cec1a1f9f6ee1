"""Hours of recipients in the running sender: there is always a zone where it is night, and one where it is noon."""

from datetime import UTC, datetime, timedelta

import pytest
from sender_world import World, until

from services.sender.ledger.model import key_of
from shared.events.outbound import MessageRequested
from shared.fair_hours.sending_hours import SendingHours
from shared.postgres import Pool

pytestmark = pytest.mark.usefixtures("only_sender")

HOURS = SendingHours(applies_to="marketing")
BRITISH = "+4477009{:05d}"  # no rule of Britain: the account's hours elsewhere count, 8:00 to 21:00


def zone_where_it_is(hour: int, now: datetime) -> str:
    """Return a zone without daylight saving where this hour of the day has begun."""
    offset = (hour - now.hour + 11) % 24 - 11
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"  # its names have the sign of POSIX


async def event_of(world: World, asked: MessageRequested, kind: str, count: int = 1) -> list[object]:
    def found() -> list[object]:
        events = [each for each in world.kafka.outcomes[key_of(asked)] if each.type == kind]
        return events if len(events) >= count else []

    return list(await until(f"{kind} of {asked.message_id}", found))


async def come_due(pool: Pool, world: World, asked: MessageRequested) -> None:
    """Let the time come at which a waiting message is decided again, as far as the database knows."""
    await pool.execute(
        "UPDATE waiting_messages SET due_at = now(), take_at = now() WHERE account_id = $1 AND message_id = $2",
        *(world.account_id, asked.message_id),
    )


async def test_at_night_messages_wait_for_the_morning_and_are_decided_again_then(world: World, pool: Pool) -> None:
    now = datetime.now(UTC)
    night, noon = zone_where_it_is(1, now), zone_where_it_is(13, now)
    await world.opt_out.account(world.account_id, sending_hours=HOURS)
    at_night, at_noon, code, dropped, short, nowhere = (
        world.request(number, phone=BRITISH.format(number), recipient_zone=zone, **more)
        for number, (zone, more) in enumerate(
            [
                (night, {}),
                (noon, {}),
                (night, {"purpose": "transactional"}),
                (night, {}),
                (night, {"valid_until": now + timedelta(hours=2)}),
                ("Mars/Base", {}),
            ]
        )
    )
    await world.kafka.produce(at_night, at_noon, code, dropped, short, nowhere)
    (waits,) = await event_of(world, at_night, "message_waiting")
    opens = (now + timedelta(hours=7)).replace(minute=0, second=1, microsecond=0)
    assert (waits.until, waits.reason) == (opens, "quiet_hours:account:elsewhere")
    await event_of(world, at_noon, "message_sent")
    await event_of(world, code, "message_sent")
    (expired,) = await event_of(world, short, "message_rejected")
    assert expired.reason == "expired"
    (unknown,) = await event_of(world, nowhere, "message_rejected")
    assert unknown.reason == "unknown_place"

    await event_of(world, dropped, "message_waiting")
    await world.opt_out.suppress(dropped, "list:7")
    await come_due(pool, world, dropped)
    await event_of(world, dropped, "message_suppressed")

    await come_due(pool, world, at_night)  # and it is still night
    await event_of(world, at_night, "message_waiting", 2)
    await world.opt_out.account(world.account_id, sending_hours=None)
    await come_due(pool, world, at_night)
    await event_of(world, at_night, "message_sent")
    assert sorted(await world.calls()) == ["m-0", "m-1", "m-2"]
