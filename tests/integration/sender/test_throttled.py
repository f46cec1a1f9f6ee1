"""A carrier that takes nothing at this pace: the message is decided again, and accepted once (G3)."""

from datetime import timedelta

import pytest
from sender_world import World, until

from services.sender.ledger.model import LedgerState, RowUpdate
from services.sender.ledger.owner import Owner
from services.sender.ledger.rows import Settled, settle, write_rows
from services.sender.settings import sender_database
from shared.events.outbound import MessageRequested
from shared.postgres import Pool, connection_from

pytestmark = pytest.mark.timeout(120)


async def test_messages_that_a_carrier_refuses_for_its_pace_are_sent_when_it_takes_them(world: World) -> None:
    asked = [world.request(number) for number in range(20)]
    await world.sandbox.set_faults(error_rate=0.5, error_status=429, retry_after_seconds=1)
    await world.kafka.produce(*asked)
    await until("refused", lambda: _answers(world, 429))
    await world.sandbox.set_faults()
    await world.until_sent(*asked)
    accepted = [call["message_id"] for call in await world.sandbox.calls(world.account_id) if call["status"] == 200]
    assert sorted(accepted) == sorted(each.message_id for each in asked), "each is accepted once"


async def test_a_stop_that_comes_while_the_carrier_takes_nothing_is_heard(world: World) -> None:
    asked = world.request(1)
    await world.sandbox.set_faults(error_rate=1, error_status=429)
    await world.kafka.produce(asked)
    await until("refused", lambda: _answers(world, 429))
    await world.opt_out.suppress(asked, "account")
    await until("dropped", lambda: world.kafka.published(asked)[-1:] == ["message_suppressed"])
    assert not await _answers(world, 200)


async def test_an_error_that_may_have_taken_the_message_is_not_called_again(world: World) -> None:
    first, other = world.request(1), world.request(2)
    await world.sandbox.set_faults(error_rate=1, error_status=503, retry_after_seconds=0)
    await world.kafka.produce(first)
    await until("unknown", lambda: world.kafka.published(first)[-1:] == ["message_outcome_unknown"])
    await world.sandbox.set_faults()
    await world.kafka.produce(other)
    await world.until_sent(other)
    assert await world.calls() == [first.message_id, other.message_id]


async def test_a_message_that_is_throttled_for_too_long_has_failed(pool: Pool, world: World) -> None:
    owner = Owner(sender_database(world.backend.sender_database_url))
    await owner.hold()
    try:
        asked = world.request(1)
        patient, at_its_end = timedelta(hours=1), timedelta(0)
        assert await _throttled(pool, owner, asked, patient) == "pending"
        assert await _throttled(pool, owner, asked, patient) == "pending"
        assert await _throttled(pool, owner, asked, at_its_end) == "failed"
        assert await _throttled(pool, owner, asked, patient) is None, "it has an outcome"
    finally:
        owner.release()


async def _throttled(pool: Pool, owner: Owner, asked: MessageRequested, limit: timedelta) -> LedgerState | None:
    """Claim the message, settle it as throttled, and return what its row becomes."""
    async with connection_from(pool) as connection:
        at = await connection.fetchval("SELECT now()")
        await write_rows(connection, owner.number, "dispatching", [(asked, None)], at)
        key = asked.account_id, asked.message_id
        settled = await settle(connection, owner.number, [RowUpdate(key, "pending", "429", is_throttled=True)], limit)
    found: Settled | None = settled.get(key)
    return None if found is None else found.state


async def _answers(world: World, status: int) -> bool:
    return any(call["status"] == status for call in await world.sandbox.calls(world.account_id))
