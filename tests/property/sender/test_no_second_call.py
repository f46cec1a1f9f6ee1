"""Whatever crashes, fails or is delivered again: at most one call for a message, and in the end one outcome.

The model is a line each: nobody is called twice (G3); nobody is called whose decision began after their STOP (G1);
every message that was delivered until it was done has a outcome that agrees with what the carrier answered.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sender_model import ANSWERS, PLACES, Crash, Outside, Process, crashing

from harness.machine.ports import free_ports
from harness.postgres import PostgresServer
from services.sender import batch
from services.sender.carriers.carrier import Accepted, Blocked, CallResult, Refused, Unknown
from services.sender.ledger.model import key_of
from services.sender.ledger.rows import write_rows
from services.sender.prepare import MIGRATIONS
from services.sender.settings import sender_database
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.migrations import migrate
from shared.postgres import Pool, open_pool

MESSAGES = 4
FIRST_FOR_LATER = 2
AHEAD = timedelta(hours=1)


@dataclass(frozen=True)
class Database:
    runner: asyncio.Runner
    pool: Pool
    url: str


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="stopline-ledger-") as folder, asyncio.Runner() as runner:
        Path(folder).chmod(0o755)  # PostgreSQL does not run as root, and must be able to enter
        server = PostgresServer(Path(folder), free_ports(1)[0], durable=False)
        runner.run(server.start())
        url = server.url("sender")
        pool = runner.run(_open(url))
        yield Database(runner, pool, url)
        runner.run(pool.close())
        runner.run(server.stop())


async def _open(url: str) -> Pool:
    pool = await open_pool(sender_database(url), 10)
    async with pool.acquire() as connection:
        await migrate(connection, MIGRATIONS)
    return pool


numbers = st.lists(st.integers(0, MESSAGES - 1), min_size=1, max_size=6)
deliveries = st.tuples(
    st.just("deliver"),
    numbers,
    st.none() | st.sampled_from(PLACES),
    st.lists(st.sampled_from(sorted(ANSWERS)), max_size=4),
    st.none() | st.integers(0, 3),
)
stops = st.tuples(st.just("stop"), st.integers(0, MESSAGES - 1))
receipts = st.tuples(st.just("receipt"), st.integers(0, MESSAGES - 1))
zombies = st.tuples(st.just("two at once"), numbers)
wakings = st.tuples(
    st.just("wake"),
    st.none() | st.sampled_from(PLACES),
    st.lists(st.sampled_from(sorted(ANSWERS)), max_size=2),
    st.none() | st.integers(0, 3),
)
times = st.sampled_from([("later", "two wake at once"), ("later", "cancel", 1, 2)])
histories = st.lists(st.one_of(deliveries, stops, receipts, zombies, wakings, times), min_size=1, max_size=10)


@given(history=histories)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_at_most_one_call_and_in_the_end_one_outcome(
    history: list, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_LOOK_AGAIN_SECONDS", 0.001)
    database.runner.run(_play(history, database, monkeypatch))


async def _play(history: list, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    outside, account_id = Outside(), f"t-{uuid4().hex[:12]}"
    asked = [_message(account_id, number, outside.now) for number in range(MESSAGES)]
    stopped_before_call: set[str] = set()
    process = Process(database.pool, database.url, outside)
    for kind, *what in history:
        match kind:
            case "deliver":
                process = await _deliver(process, database, outside, asked, monkeypatch, *what)
            case "two at once":
                outside.twice_at_once = True
                other = Process(database.pool, database.url, outside)
                batches = [asked[number] for number in what[0]]
                await asyncio.gather(process.deliver(batches), other.deliver(batches))
                other.end()
            case "wake":
                process = await _wake(process, database, outside, monkeypatch, *what)
            case "later":
                await _later(process, database, outside, asked, *what)
            case "stop":
                message = asked[what[0]]
                outside.suppressed.add(message.phone)
                if not outside.calls[message.message_id]:
                    stopped_before_call.add(message.message_id)
            case "receipt":
                if isinstance(outside.answers.get(asked[what[0]].message_id), Accepted | Unknown):
                    await process.receive(asked[what[0]])
    async with asyncio.timeout(20):
        await _finish(process, database, outside, asked)
    process.end()
    _judge(outside, asked, stopped_before_call)
    await _judge_limits(outside, asked[0].account_id, database)


def test_a_claim_that_comes_through_after_it_was_given_up_holds_nobody_up(database: Database) -> None:
    database.runner.run(_deliver_after_a_late_claim(database))


async def _deliver_after_a_late_claim(database: Database) -> None:
    outside = Outside()
    message = _message(f"t-{uuid4().hex[:12]}", 0, outside.now)
    process = Process(database.pool, database.url, outside)
    await process.owner.hold()
    async with database.pool.acquire() as connection:
        await write_rows(connection, process.owner.number, "dispatching", [(message, None)], datetime.now(UTC))
    async with asyncio.timeout(20):
        assert await process.deliver([message])
    process.end()
    assert outside.calls[message.message_id] == 1


async def _deliver(  # noqa: PLR0913, PLR0917 (one step of a history)
    process: Process,
    database: Database,
    outside: Outside,
    asked: list[MessageRequested],
    monkeypatch: pytest.MonkeyPatch,
    numbers: list[int],
    crash_at: str | None,
    answers: list[str],
    publishes_until_failure: int | None,
) -> Process:
    """Deliver a batch; return the process that lives afterwards."""
    outside.next_answers, outside.publishes_until_failure = list(answers), publishes_until_failure
    try:
        with crashing(monkeypatch, crash_at):
            await process.deliver([asked[number] for number in numbers])
    except Crash:
        outside.crashes += 1
        process.end()
        process = Process(database.pool, database.url, outside)
    outside.next_answers, outside.publishes_until_failure = [], None
    return process


async def _finish(process: Process, database: Database, outside: Outside, asked: list[MessageRequested]) -> None:
    """Deliver everything, but not what waits: Kafka does not deliver again what was committed."""
    rest = [each for each in asked if each.send_at is None or each.message_id not in outside.committed]
    while not await process.deliver(rest):
        continue
    outside.now += 2 * AHEAD
    while await database.pool.fetchval("SELECT count(*) FROM waiting_messages"):
        await process.wake()


async def _later(
    process: Process, database: Database, outside: Outside, asked: list[MessageRequested], what: str, *numbers: int
) -> None:
    match what:
        case "two wake at once":
            outside.now += 2 * AHEAD
            outside.twice_at_once = True
            other = Process(database.pool, database.url, outside)
            await asyncio.gather(process.wake(), other.wake())
            other.end()
        case "cancel":
            with suppress(TransientError):
                await process.processor.room.cancel([key_of(asked[number]) for number in numbers])


async def _wake(  # noqa: PLR0913, PLR0917 (one step of a history)
    process: Process,
    database: Database,
    outside: Outside,
    monkeypatch: pytest.MonkeyPatch,
    crash_at: str | None,
    answers: list[str],
    publishes_until_failure: int | None,
) -> Process:
    """Wake what waits, now that it is due; return the process that lives afterwards."""
    outside.now += 2 * AHEAD
    outside.next_answers, outside.publishes_until_failure = list(answers), publishes_until_failure
    try:
        with crashing(monkeypatch, crash_at):
            await process.wake()
    except Crash:
        outside.crashes += 1
        process.end()
        process = Process(database.pool, database.url, outside)
    outside.next_answers, outside.publishes_until_failure = [], None
    return process


def _message(account_id: str, number: int, now: datetime) -> MessageRequested:
    return MessageRequested(
        account_id=account_id,
        message_id=f"m-{number}",
        list_id=7,
        phone=f"+1415555010{number}",
        sender_number="+18335550123",
        body="Hi. STOP to end",
        send_at=now + AHEAD if number >= FIRST_FOR_LATER else None,
    )


def _judge(outside: Outside, asked: list[MessageRequested], stopped_before_call: set[str]) -> None:
    for message_id in (message.message_id for message in asked):
        published = outside.published[message_id]
        assert outside.calls[message_id] <= 1, "G3: called twice"
        assert not (message_id in stopped_before_call and outside.calls[message_id]), "G1: called after the STOP"
        assert len({event.event_id for event in published}) == len({event.type for event in published}), (
            "one id an event"
        )
        outcomes = {event.type for event in published} - {"message_dispatching", "message_waiting"}
        assert outcomes, "no outcome"
        assert len(outside.blocks[message_id]) <= 1, "a block that was published again is the same event"
        is_blocked = isinstance(outside.answers.get(message_id), Blocked) and "message_failed" in outcomes
        assert not is_blocked or outside.blocks[message_id], "settled before the block was published"
        _judge_outcomes(outcomes, outside.answers.get(message_id))


async def _judge_limits(outside: Outside, account_id: str, database: Database) -> None:
    """Compare what counts for limits with the calls: never less, and more only for what a crash has left counted.

    Or, for a recipient, for what two processes had at once: the second cannot know whether the first has called, so
    neither gives it back (`services/sender/limits/allot.py`).
    """
    calls = outside.calls.total()
    async with database.pool.acquire() as connection:
        for_number = await connection.fetchval("SELECT sum(sent) FROM number_limits WHERE account_id = $1", account_id)
        for_recipients = await connection.fetchval(
            "SELECT sum(cardinality(times)) FROM recipient_messages WHERE account_id = $1", account_id
        )
    for counted, may_be_more in (
        (for_number or 0, outside.crashes),
        (for_recipients or 0, outside.crashes or outside.twice_at_once),
    ):
        assert counted >= calls if may_be_more else counted == calls, (counted, calls)


def _judge_outcomes(outcomes: set[str], answer: CallResult | None) -> None:
    """Compare with what the carrier answered: a crash may hide it, nothing may contradict it."""
    allowed = {
        Accepted: {"message_sent", "message_outcome_unknown"},
        Blocked: {"message_failed", "message_outcome_unknown"},
        Refused: {"message_failed", "message_outcome_unknown"},
        Unknown: {"message_sent", "message_outcome_unknown"},  # sent by a receipt
        type(None): {
            "message_suppressed",
            "message_rejected",
            "message_outcome_unknown",
        },  # unknown: crashed before the call
    }[type(answer)]
    assert outcomes <= allowed, (outcomes, answer)
    assert not outcomes & {"message_suppressed", "message_rejected"} or len(outcomes) == 1
