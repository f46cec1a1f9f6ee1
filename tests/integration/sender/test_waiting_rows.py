"""Rows of waiting messages on a real Postgres: who takes them, and what is left of them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sender_world import until

from harness.stack.embedded import EmbeddedBackend
from services.sender.ledger.erasures import erase_some, note_erasures
from services.sender.ledger.model import CANCELLED, MessageKey, Row, RowUpdate, key_of
from services.sender.ledger.owner import LIVING, Owner
from services.sender.ledger.rows import find, settle, write_rows
from services.sender.settings import sender_database
from services.sender.timing import Wait
from services.sender.waiting.due import TakeLimits, let_go, remove, take
from services.sender.waiting.room import cancel_rows, put_rows
from shared.events.delivery import RecipientErased
from shared.events.outbound import MessageRequested
from shared.postgres import Pool, connection_from

AT = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
# So late that no sender of another test takes these rows.
DUE = datetime.now(UTC) + timedelta(days=300)
THEN = DUE + timedelta(days=1)
MANY, MEGABYTE = 1_000, 1024 * 1024


@pytest.fixture(autouse=True)
async def no_others(pool: Pool) -> None:
    """Remove what other tests have left waiting: it is due before."""
    await pool.execute("DELETE FROM waiting_messages")


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


def messages(count: int, body: str = "Hi. STOP to end") -> list[MessageRequested]:
    account_id = f"t-{uuid4().hex[:12]}"
    return [
        MessageRequested(
            account_id=account_id,
            message_id=f"m-{number}",
            list_id=7,
            phone="+14155550100",
            sender_number="ACME",
            body=body,
        )
        for number in range(count)
    ]


async def wait(pool: Pool, owner: Owner, asked: list[MessageRequested], due: datetime = DUE) -> set[MessageKey]:
    async with connection_from(pool) as connection:
        written = await put_rows(connection, owner.number, [(each, Wait(due, "send_at")) for each in asked], AT)
    return set(map(key_of, asked)) - written.not_ours


async def taken(pool: Pool, owner: Owner, of: list[MessageRequested], limit_bytes: int = MEGABYTE) -> set[str]:
    async with connection_from(pool) as connection:
        rows = await take(connection, owner.number, THEN, TakeLimits(MANY, limit_bytes))
    return {row.message_id for row in rows if row.account_id == of[0].account_id}


async def states(pool: Pool, asked: list[MessageRequested]) -> list[str]:
    async with connection_from(pool) as connection:
        rows = await find(connection, list(map(key_of, asked)))
    return [rows[key_of(each)].state for each in asked]


async def test_of_two_living_processes_one_has_a_row_and_a_dead_ones_rows_are_free_at_once(
    pool: Pool, owner: Owner, other: Owner
) -> None:
    asked = messages(2)
    assert await wait(pool, owner, asked) == set(map(key_of, asked))
    assert await taken(pool, owner, asked) == {"m-0", "m-1"}
    assert await taken(pool, other, asked) == set()
    owner.release()
    for _ in range(100):  # Postgres notices it a moment later
        if found := await taken(pool, other, asked):
            break
    assert found == {"m-0", "m-1"}
    assert await states(pool, asked) == ["pending", "pending"]


async def test_the_rows_of_a_process_that_gives_no_sign_are_free_after_a_while_and_those_of_others_are_not(
    pool: Pool, backend: EmbeddedBackend, other: Owner
) -> None:
    frozen, alive = (Owner(sender_database(backend.sender_database_url), idle_seconds=0.5) for _ in range(2))
    theirs, kept = messages(1), messages(1)
    await frozen.hold()
    keeping = asyncio.create_task(alive.keep())
    try:
        await alive.hold()
        await wait(pool, other, theirs + kept)
        async with connection_from(pool) as connection:
            for holder, asked in ((frozen, theirs), (alive, kept)):
                await connection.execute(
                    "UPDATE waiting_messages SET owner = $2 WHERE account_id = $1", asked[0].account_id, holder.number
                )
        await until("the rows are free", lambda: taken(pool, other, theirs))
        assert await taken(pool, other, kept) == set()
        await frozen.hold()  # it comes back, and is alive again
        assert frozen.number in {row[0] for row in await pool.fetch(LIVING)}
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        frozen.release()
        alive.release()


async def test_a_row_whose_process_did_not_hear_that_it_was_taken_is_taken_again_by_it(
    pool: Pool, owner: Owner
) -> None:
    asked = messages(1)
    await wait(pool, owner, asked)
    assert await taken(pool, owner, asked) == await taken(pool, owner, asked) == {"m-0"}


async def test_what_is_taken_while_another_batch_is_decided_is_not_of_that_batch(pool: Pool, owner: Owner) -> None:
    asked = messages(2)
    await wait(pool, owner, asked)
    await taken(pool, owner, asked)
    async with connection_from(pool) as connection:
        ahead = await take(connection, owner.number, THEN, TakeLimits(), has_none=False)
    assert not {row.account_id for row in ahead} & {asked[0].account_id}


async def test_what_is_taken_at_once_is_limited_in_bytes_and_is_never_nothing(pool: Pool, owner: Owner) -> None:
    asked = messages(3, "x" * 10_000)
    await wait(pool, owner, asked, DUE - timedelta(days=1))
    assert len(await taken(pool, owner, asked, limit_bytes=1)) == 1
    assert len(await taken(pool, owner, asked, limit_bytes=15_000)) == 2


async def test_a_message_that_waits_again_keeps_its_row_and_one_with_an_outcome_loses_it(
    pool: Pool, owner: Owner
) -> None:
    asked = messages(2)
    await wait(pool, owner, asked)
    await taken(pool, owner, asked)
    assert await wait(pool, owner, asked[:1]) == {key_of(asked[0])}
    async with connection_from(pool) as connection:
        await write_rows(connection, owner.number, "rejected", [(asked[1], "no_way_out x")], AT)
        await remove(connection, owner.number, list(map(key_of, asked)))
        left = await connection.fetch(
            "SELECT message_id, owner FROM waiting_messages WHERE account_id = $1", asked[0].account_id
        )
    assert [tuple(row) for row in left] == [("m-0", 0)]


async def test_a_row_that_was_let_go_is_taken_by_others_after_its_time(pool: Pool, owner: Owner, other: Owner) -> None:
    asked = messages(2)
    await wait(pool, owner, asked)
    await taken(pool, owner, asked)
    later = timedelta(days=400)
    async with connection_from(pool) as connection:
        await let_go(connection, owner.number, {key_of(asked[0]): timedelta(0), key_of(asked[1]): later})
    assert await taken(pool, other, asked) == {"m-0"}


async def test_what_is_being_sent_is_not_cancelled_and_what_was_cancelled_is_not_sent(pool: Pool, owner: Owner) -> None:
    asked = messages(3)
    await wait(pool, owner, asked[:2])
    await taken(pool, owner, asked)
    async with connection_from(pool) as connection:
        await write_rows(connection, owner.number, "dispatching", [(asked[0], None)], AT)
        assert await cancel_rows(connection, owner.number, list(map(key_of, asked))) == 2
        late = await write_rows(connection, owner.number, "dispatching", [(each, None) for each in asked[1:]], AT)
    assert late.not_ours == set(map(key_of, asked[1:]))
    assert await states(pool, asked) == ["dispatching", "rejected", "rejected"]


async def test_a_second_request_does_not_send_what_waits(pool: Pool, owner: Owner) -> None:
    asked = messages(1)
    await wait(pool, owner, asked)
    async with connection_from(pool) as connection:
        claimed = await write_rows(connection, owner.number, "dispatching", [(asked[0], None)], AT)
    assert claimed.not_ours == {key_of(asked[0])}
    assert await wait(pool, owner, asked) == set()


async def test_what_is_cancelled_while_its_carrier_is_called_is_sent_or_cancelled_and_never_tried_again(
    pool: Pool, owner: Owner
) -> None:
    asked = messages(4)
    sent, not_called, throttled, kept = map(key_of, asked)
    async with connection_from(pool) as connection:
        await write_rows(connection, owner.number, "dispatching", [(each, None) for each in asked], AT)
        before = await find(connection, [sent])
        assert await cancel_rows(connection, owner.number + 1, [sent, not_called, throttled]) == 0
        assert await find(connection, [sent]) == before
        results = [
            RowUpdate(sent, "sent", "c-1"), RowUpdate(not_called, "pending", None),
            RowUpdate(throttled, "pending", "429", is_throttled=True), RowUpdate(kept, "pending", None),
        ]  # fmt: skip
        settled = await settle(connection, owner.number, results)
        again = await write_rows(connection, owner.number, "dispatching", [(each, None) for each in asked], AT)
    assert {key: (now.state, now.detail) for key, now in settled.items()} == {
        sent: ("sent", "c-1"), not_called: ("rejected", CANCELLED), throttled: ("rejected", CANCELLED),
        kept: ("pending", None),
    }  # fmt: skip
    assert again.not_ours == {sent, not_called, throttled}


async def test_the_time_until_the_morning_is_none_in_which_the_carrier_refused_it(pool: Pool, owner: Owner) -> None:
    asked = messages(3)
    since = "SELECT message_id, throttled_since IS NOT NULL AS is_throttled FROM messages WHERE account_id = $1"
    async with connection_from(pool) as connection:
        await write_rows(connection, owner.number, "dispatching", [(each, None) for each in asked], AT)
        refused = [RowUpdate(key_of(each), "pending", "429", is_throttled=True) for each in asked]
        await settle(connection, owner.number, refused)
        reasons = ("carrier_pause", "sender_rate", "quiet_hours:us-tx.1")
        waits = [(each, Wait(DUE, reason)) for each, reason in zip(asked, reasons, strict=True)]
        await put_rows(connection, owner.number, waits, AT)
        found = {row["message_id"]: row["is_throttled"] for row in await connection.fetch(since, asked[0].account_id)}
    assert found == {"m-0": True, "m-1": True, "m-2": False}


class Heard:
    """Keeps the outcomes that are published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []

    async def publish(self, rows: Iterable[Row]) -> None:
        self.published += [(row.message_id, row.state) for row in rows]


async def test_nothing_that_an_erased_recipient_was_to_get_is_left_whatever_its_row_says(
    pool: Pool, owner: Owner
) -> None:
    asked = messages(3)
    account_id = asked[0].account_id
    await wait(pool, owner, asked)
    heard: Any = Heard()
    async with connection_from(pool) as connection:
        change = "UPDATE messages SET state = $3 WHERE account_id = $1 AND message_id = $2"
        await connection.execute(change, account_id, "m-1", "pending")  # due, and could not leave
        await connection.execute(change, account_id, "m-2", "rejected")  # cancelled at the moment at which it was put
        erased = RecipientErased(
            event_id=uuid4(), occurred_at=datetime.now(UTC), account_id=account_id, phone="+14155550100"
        )
        await note_erasures(connection, [erased])
        await connection.execute("UPDATE erasures SET next_step_at = '-infinity' WHERE account_id = $1", account_id)
        await erase_some(connection, heard)
        left = await connection.fetch("SELECT FROM waiting_messages WHERE account_id = $1", account_id)
    assert left == []
    assert await states(pool, asked) == ["rejected"] * 3
    assert sorted(heard.published) == [("m-0", "rejected"), ("m-1", "rejected")]
