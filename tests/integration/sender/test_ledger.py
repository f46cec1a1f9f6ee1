"""The ledger on a real Postgres: who may have a message, and what may become of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from harness.stack.embedded import EmbeddedBackend
from services.sender.ledger.model import LedgerState, MessageKey, RowUpdate
from services.sender.ledger.owner import Owner
from services.sender.ledger.rows import (
    find,
    lock_calls_without_result,
    lock_lost_calls,
    settle,
    settle_locked,
    write_rows,
)
from services.sender.settings import sender_database
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.postgres import Pool, connection_from

AT = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
HOUR, NOW = timedelta(hours=1), timedelta(0)


def message(account_id: str = "acme", message_id: str = "") -> MessageRequested:
    return MessageRequested(
        account_id=account_id,
        message_id=message_id or uuid4().hex,
        list_id=7,
        phone="+14155550100",
        sender_number="ACME",
        body="Hi. STOP to end",
    )


@pytest.fixture
async def owner(backend: EmbeddedBackend) -> AsyncIterator[Owner]:
    made = Owner(sender_database(backend.sender_database_url))
    await made.hold()
    yield made
    made.release()


@pytest.fixture
async def other(backend: EmbeddedBackend) -> AsyncIterator[Owner]:
    made = Owner(sender_database(backend.sender_database_url))
    await made.hold()
    yield made
    made.release()


async def claim(
    pool: Pool, owner: Owner, *asked: MessageRequested, state: LedgerState = "dispatching"
) -> set[MessageKey]:
    async with connection_from(pool) as connection:
        claims = await write_rows(connection, owner.number, state, [(each, None) for each in asked], AT)
    return set(map(key, asked)) - claims.not_ours


async def settled(
    pool: Pool, owner: Owner, asked: MessageRequested, state: LedgerState, detail: str | None = None
) -> bool:
    async with connection_from(pool) as connection:
        return bool(await settle(connection, owner.number, [RowUpdate(key(asked), state, detail)]))


async def state_of(pool: Pool, asked: MessageRequested) -> str | None:
    async with connection_from(pool) as connection:
        row = (await find(connection, [key(asked)])).get(key(asked))
    return None if row is None else row.state


def key(asked: MessageRequested) -> MessageKey:
    return asked.account_id, asked.message_id


async def test_a_message_is_claimed_once(pool: Pool, owner: Owner, other: Owner) -> None:
    asked = message()
    assert await claim(pool, owner, asked) == {key(asked)}
    assert await claim(pool, other, asked) == set()
    assert await claim(pool, owner, asked) == set(), "not by the same process again either"


async def test_of_many_that_claim_at_once_one_gets_the_message(pool: Pool, owner: Owner, other: Owner) -> None:
    asked = [message() for _ in range(50)]
    claims = await asyncio.gather(*(claim(pool, who, *asked) for who in (owner, other) * 4))
    assert sorted(k for each in claims for k in each) == sorted(map(key, asked))


async def test_one_id_in_two_accounts_is_two_messages(pool: Pool, owner: Owner) -> None:
    one, two = message("acme", "same"), message("umbrella", "same")
    assert await claim(pool, owner, one, two) == {key(one), key(two)}


async def test_a_message_that_was_given_back_can_be_claimed_by_another(pool: Pool, owner: Owner, other: Owner) -> None:
    asked = message()
    await claim(pool, owner, asked)
    assert await settled(pool, owner, asked, "pending")
    assert await claim(pool, other, asked) == {key(asked)}


async def test_who_has_given_a_message_back_does_not_take_it_from_who_has_it_now(
    pool: Pool, owner: Owner, other: Owner
) -> None:
    asked = message()
    await claim(pool, owner, asked)
    await settled(pool, owner, asked, "pending")
    await claim(pool, other, asked)
    assert not await settled(pool, owner, asked, "pending"), "said again because the first answer was lost"
    assert await state_of(pool, asked) == "dispatching"


@pytest.mark.parametrize("outcome", ["sent", "failed", "unknown", "suppressed"])
async def test_an_outcome_is_kept(outcome: LedgerState, pool: Pool, owner: Owner) -> None:
    asked = message()
    await claim(pool, owner, asked)
    await settled(pool, owner, asked, outcome, "why")
    assert await claim(pool, owner, asked) == set()
    assert not await settled(pool, owner, asked, "pending")
    assert not await settled(pool, owner, asked, "unknown")
    assert await state_of(pool, asked) == outcome


async def test_a_late_answer_settles_an_unknown_message_for_good(pool: Pool, owner: Owner) -> None:
    asked = message()
    await claim(pool, owner, asked)
    await settled(pool, owner, asked, "unknown")
    assert await settled(pool, owner, asked, "sent", "carrier-1")
    assert not await settled(pool, owner, asked, "failed", "no")
    assert await state_of(pool, asked) == "sent"


async def lost(pool: Pool, older_than: timedelta, ownerless_after: timedelta, own: int = 0) -> set[MessageKey]:
    async with connection_from(pool) as connection, connection.transaction():
        return {row.key for row in await lock_lost_calls(connection, own, older_than, ownerless_after, 10_000)}


async def test_a_call_is_lost_when_its_process_is_gone(pool: Pool, owner: Owner, other: Owner) -> None:
    mine, theirs = message(), message()
    await claim(pool, owner, mine)
    await claim(pool, other, theirs)
    assert {key(mine), key(theirs)}.isdisjoint(await lost(pool, HOUR, NOW)), "both live"
    owner.release()
    async with asyncio.timeout(5):
        while key(mine) not in (found := await lost(pool, HOUR, NOW)):  # noqa: ASYNC110 (Postgres notices it soon)
            await asyncio.sleep(0.01)  # between two looks at the condition
    assert key(theirs) not in found
    assert key(mine) not in await lost(pool, HOUR, HOUR), "too young: it may be just about to be called"


async def test_a_call_that_is_older_than_any_call_is_lost_whoever_lives(pool: Pool, owner: Owner) -> None:
    asked = message()
    await claim(pool, owner, asked)
    assert key(asked) in await lost(pool, NOW, NOW)
    assert key(asked) not in await lost(pool, NOW, NOW, own=owner.number), "who has it in hands settles it itself"


async def test_an_owner_takes_its_lock_again_when_the_connection_is_lost(pool: Pool, owner: Owner) -> None:
    asked = message()
    async with connection_from(pool) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND (classid::bigint << 32) | objid::bigint = $1",
            owner.number,
        )
    async with asyncio.timeout(5):
        while not owner._connection.is_closed():  # noqa: ASYNC110 (the end of a socket arrives soon)
            await asyncio.sleep(0.01)  # between two looks at the condition
    await owner.hold()
    await claim(pool, owner, asked)
    assert key(asked) not in await lost(pool, HOUR, NOW)


async def test_a_receipt_finds_only_messages_whose_call_has_no_answer(pool: Pool, owner: Owner) -> None:
    states: tuple[LedgerState, ...] = ("dispatching", "unknown", "sent", "failed", "suppressed", "pending")
    asked = {state: message() for state in states}
    for state, each in asked.items():
        await claim(pool, owner, each)
        if state != "dispatching":
            await settled(pool, owner, each, state, "x")
    async with connection_from(pool) as connection, connection.transaction():
        rows = await lock_calls_without_result(connection, [key(each) for each in asked.values()])
        assert {row.key for row in rows} == {key(asked["dispatching"]), key(asked["unknown"])}
        await settle_locked(connection, [RowUpdate(row.key, "sent", "carrier-1") for row in rows])
    assert [await state_of(pool, asked[state]) for state in ("dispatching", "unknown")] == ["sent", "sent"]
    assert not await settled(pool, owner, asked["dispatching"], "sent", "carrier-1"), (
        "the answer came after the receipt"
    )


async def test_a_postgres_that_ends_the_session_is_unavailable(pool: Pool) -> None:
    with pytest.raises(TransientError, match="Postgres"):
        async with connection_from(pool) as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
