"""The record in Postgres and the one in memory do the same: what is proven with one holds for the other."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import astuple, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory import NOON, WINDOW, Crashes, MemoryDecisionLog

from harness.evidence.live import check_chain
from harness.machine.ports import free_ports, release_ports
from harness.postgres import PostgresServer
from services.optout.decision_log.alike import AlikeEntries
from services.optout.decision_log.entry import Entry, entry_adapter
from services.optout.decision_log.log import (
    Batch,
    DecisionLog,
    EntryOrAlike,
    EventAtOffset,
    PostgresDecisionLog,
    one_by_one,
)
from services.optout.decision_log.position import PositionMovedError
from services.optout.decision_log.removals import RemovalsBatch
from services.optout.decision_log.stored_rules import StoredRules
from services.optout.prepare import MIGRATIONS
from services.optout.recipient import SentMessage
from services.optout.removals import ListRemovals
from services.optout.settings import optout_database
from shared.events.inbound import MessageReceived
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.migrations import migrate
from shared.postgres import Pool, close_pool, open_pool

NUMBERS = ["+18335550123", "+18335550999", "ACME", None]
MESSAGES = [f"m-{n}" for n in range(6)]
TIMES = st.one_of(st.none(), st.integers(-40, 0).map(lambda minutes: NOON + timedelta(minutes=minutes)))
PHONES = ["+14155550101", "+14155550102", "+14155550103"]
REPLIES = st.fixed_dictionaries(
    {
        "event_id": st.integers(0, 12).map(lambda n: UUID(int=n)),
        "phone": st.sampled_from(PHONES),
        "sender_number": st.sampled_from(NUMBERS),
        "body": st.sampled_from(["STOP", "START", "stop it", "hello", "N\x00L", "Stpo", "not me, stop", "shop"]),
        "replied_message_id": st.sampled_from([None, None, None, *MESSAGES]),
        "replied_carrier_message_id": st.sampled_from([None, None, "c-1", "c-4", "c\x00"]),
        "sent_at": TIMES,
        "unusable_sent_at": st.sampled_from([None, None, "soon"]),
        "gateway_message_id": st.sampled_from([None, "0"]),
        "occurred_at": st.integers(0, 3).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    }
)
REMOVALS = st.fixed_dictionaries(
    {
        "job_id": st.integers(0, 2).map(lambda n: UUID(int=n)),
        "clean_up_id": st.one_of(st.none(), st.integers(0, 2).map(lambda n: UUID(int=n))),
        "phones": st.lists(st.sampled_from(PHONES), min_size=1, unique=True).map(tuple),
        "list_id": st.integers(1, 3),
        "by": st.sampled_from(["ada", 'a%s"phone":"+14155550101"']),
    }
)
STATE = ("state", "sender_number", "sent_at", "untimed_at", "cause_event_id", "source")
SENT = st.lists(
    st.builds(
        SentMessage,
        message_id=st.sampled_from(MESSAGES),
        list_id=st.integers(1, 3),
        sender_number=st.sampled_from(["+18335550123", "+18335550999", "ACME"]),
        carrier_message_id=st.sampled_from([None, "c-1", "c-4"]),
        outcome=st.sampled_from(["dispatching", "sent", "failed", "unknown"]),
        dispatched_at=st.sampled_from([1, 2, 3, 20, 60 * 24 * 31]).map(
            lambda minutes: NOON - timedelta(minutes=minutes)
        ),
        instruction=st.sampled_from([None, "Reply STOP to opt out"]),
    ),
    unique_by=(
        lambda message: message.message_id,
        lambda message: message.dispatched_at,
        lambda message: message.carrier_message_id or object(),
    ),
    max_size=5,
)


class Server:
    """One Postgres for the examples, each with a partition and an account of its own."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.partition = 0

    def record(self) -> PostgresDecisionLog:
        self.partition += 1
        return PostgresDecisionLog(self.pool, StoredRules(), self.partition, 6, WINDOW, lambda: NOON)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="stopline-record-"))
    folder.chmod(0o755)  # PostgreSQL does not run as root, and must be able to enter
    ports = free_ports(1)
    postgres = PostgresServer(folder, ports[0], durable=False)
    await postgres.start()
    pool = await open_pool(optout_database(postgres.url("optout")), 2)
    async with pool.acquire() as connection:
        await migrate(connection, MIGRATIONS)
    yield Server(pool)
    await close_pool(pool)
    await postgres.kill()
    release_ports(ports)
    shutil.rmtree(folder, ignore_errors=True)


async def remember(pool: Pool, account_id: str, phone: str, sent: Sequence[SentMessage]) -> None:
    await pool.executemany(
        "INSERT INTO sent_messages (account_id, phone, message_id, list_id, sender_number, carrier_message_id, outcome,"
        " dispatched_at, instruction, confirms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [(account_id, phone, *astuple(message)) for message in sent],
    )


@given(batches=st.lists(st.lists(REPLIES, min_size=1, max_size=5), max_size=4), sent=SENT)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_both_records_decide_alike(
    server: Server, batches: list[list[dict[str, object]]], sent: list[SentMessage]
) -> None:
    in_memory, in_postgres = MemoryDecisionLog(Crashes()), server.record()
    account_id = f"a-{uuid4().hex[:12]}"
    in_memory.sent[account_id, "+14155550101"] = list(sent)
    await remember(server.pool, account_id, "+14155550101", sent)
    offset = (await in_postgres.position()).next_offset
    for replies in batches:
        received = []
        for reply in replies:
            # Ids of other examples are other events; within one, an id may come with another message, or again later.
            event_id = UUID(int=server.partition << 64 | reply["event_id"].int)  # type: ignore[attr-defined]
            event = MessageReceived(**{**reply, "event_id": event_id}, account_id=account_id, gateway="test")
            received.append(EventAtOffset(offset + 1, event))
            offset += 2
        batch = Batch(server.partition, (await in_memory.position()).next_offset, offset, received)
        assert await in_postgres.record(batch) == await in_memory.record(batch)
    assert await in_postgres.position() == await in_memory.position()
    for from_offset, to_offset in ((0, offset), (2, min(5, offset)), (offset, offset)):
        assert await in_postgres.entries(from_offset, to_offset) == await in_memory.entries(from_offset, to_offset)
    async with server.pool.acquire() as connection:
        assert (await check_chain(connection, server.partition)).differences == []
    assert await _states(server, account_id) == _states_in(in_memory)


async def _states(server: Server, account_id: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    rows = await server.pool.fetch("SELECT * FROM suppressions WHERE account_id = $1", account_id)
    return {(row["phone"], row["scope"]): tuple(row[name] for name in STATE) for row in rows}


def _states_in(log: MemoryDecisionLog) -> dict[tuple[str, str], tuple[Any, ...]]:
    return {
        (phone, each.scope): tuple(getattr(each, name) for name in STATE)
        for (_, phone), scopes in log.suppressions.items()
        for each in scopes.values()
    }


def entries_of(decided: Sequence[EntryOrAlike]) -> list[Entry]:
    """Return all entries, those that are alike as they are kept."""
    return [
        entry
        for each in decided
        for entry in (map(entry_adapter.validate_json, each.texts()) if isinstance(each, AlikeEntries) else [each])
    ]


BATCHES = st.lists(st.one_of(st.lists(REPLIES, min_size=1, max_size=3), REMOVALS), max_size=8)


@given(batches=BATCHES, sent=SENT)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_requests_of_one_record_are_recorded_as_they_would_be_one_by_one(
    server: Server, batches: list[list[dict[str, Any]] | dict[str, Any]], sent: list[SentMessage]
) -> None:
    together, one_each = server.record(), MemoryDecisionLog(Crashes())
    account_id = f"a-{uuid4().hex[:12]}"
    one_each.sent[account_id, PHONES[0]] = list(sent)
    await remember(server.pool, account_id, PHONES[0], sent)
    offset = (await together.position()).next_offset
    for number, drawn in enumerate(batches):
        common = {"account_id": account_id, "occurred_at": NOON}
        if isinstance(drawn, dict):
            removals = RemovalsBatch(server.partition, offset, offset + 1, offset, _removals(server, drawn, common))
            decided = entries_of((await together.record(removals))[0])
            # Those in the same situation are recorded together; which of them come first does not matter.
            phones = dict.fromkeys([each.phone for each in decided]) | dict.fromkeys(removals.event.phones)
            event = removals.event.model_copy(update={"phones": tuple(phones)})
            alone, _ = await one_each.record(one_by_one(replace(removals, event=event)))
            assert decided == alone
        else:
            replies = [
                {**reply, **common, "event_id": UUID(int=server.partition << 64 | 1 << 32 | number << 8 | place)}
                for place, reply in enumerate(drawn)
            ]
            received = [EventAtOffset(offset, MessageReceived(**reply, gateway="test")) for reply in replies[:1]]
            batch = Batch(server.partition, offset, offset + 1, received)
            assert await together.record(batch) == await one_each.record(batch)
        offset += 1
    assert await together.position() == await one_each.position()  # the hash of every entry, and the digest of all keys
    async with server.pool.acquire() as connection:
        assert (await check_chain(connection, server.partition)).differences == []
    assert await _states(server, account_id) == _states_in(one_each)


def _removals(server: Server, drawn: dict[str, Any], common: dict[str, Any]) -> ListRemovals:
    """Return the event; ids of other examples are other jobs."""
    ids = {
        name: UUID(int=server.partition << 64 | drawn[name].int)
        for name in ("job_id", "clean_up_id")
        if drawn[name] is not None
    }
    fields = {**common, **drawn, **ids, "event_id": uuid4()}
    return RemovalsRequested(**fields) if drawn["clean_up_id"] is None else RemovalsUndone(**fields)


@pytest.mark.parametrize("kind", ["memory", "postgres"])
async def test_of_two_that_know_the_same_position_one_loses(server: Server, kind: str) -> None:
    record: DecisionLog = MemoryDecisionLog(Crashes()) if kind == "memory" else server.record()
    await record.position()
    moved = await record.move(0, 5)
    assert (moved.next_offset, (await record.position()).next_offset) == (5, 5)
    with pytest.raises(PositionMovedError):
        await record.move(0, 6)
    with pytest.raises(PositionMovedError):
        await record.record(Batch(server.partition, 0, 6, []))
    assert (await record.position()).next_offset == 5


@pytest.mark.parametrize("kind", ["memory", "postgres"])
async def test_entries_that_are_not_decided_any_more_are_not_taken_for_none(server: Server, kind: str) -> None:
    record: DecisionLog = MemoryDecisionLog(Crashes()) if kind == "memory" else server.record()
    await record.position()
    await record.move(0, 5)
    assert await record.entries(0, 5) == []
    with pytest.raises(PositionMovedError):
        await record.entries(0, 6)


async def test_of_two_at_once_one_waits_and_loses(server: Server) -> None:
    record = server.record()
    await record.position()
    outcomes = await asyncio.gather(*(record.move(0, offset) for offset in (3, 4)), return_exceptions=True)
    assert [isinstance(outcome, PositionMovedError) for outcome in outcomes].count(True) == 1
