"""The simulated decision log (`tests/simulation`) does what the real Postgres does: the same batches, the same rows."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from simulation.alone import played
from simulation.sql_of_decision_log import STATEMENTS

from harness.machine.ports import free_ports, release_ports
from harness.postgres import PostgresServer
from services.optout.decision_log.deliveries import record_deliveries
from services.optout.decision_log.load import load_entries
from services.optout.decision_log.log import Batch, EventAtOffset, record_batch
from services.optout.decision_log.position import PositionMovedError, read_position
from services.optout.decision_log.stored_rules import StoredRules
from services.optout.prepare import MIGRATIONS
from services.optout.settings import optout_database
from shared.events.delivery import MessageDispatching, MessageFailed, MessageSent, MessageSuppressed
from shared.events.inbound import MessageReceived, OptInRequested, OptOutRequested
from shared.migrations import migrate
from shared.postgres import Pool, connection_from, open_pool

AT = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
WINDOW = timedelta(days=30)
PHONES = ("+31612345670", "+31612345671")
NUMBERS = {1: "+31970000001", 2: "+31970000002"}
BODIES = ("STOP", "STOP", "START", "STOP ALL", "thanks")
SUPPRESSION = "scope, phone, state, cause_event_id, sender_number, sent_at, untimed_at, changed_at, source, gateway"
SENT = "message_id, list_id, phone, sender_number, carrier_message_id, outcome, dispatched_at, instruction"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool() -> AsyncIterator[Pool]:
    """Give a Postgres of its own: whoever verifies the record of the others would find these partitions in it."""
    with tempfile.TemporaryDirectory(prefix="stopline-like-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL does not run as root, and must be able to enter
        ports = free_ports(1)
        server = PostgresServer(Path(folder), ports[0], durable=False)
        await server.start()
        opened = await open_pool(optout_database(server.url("optout")), 2)
        async with opened.acquire() as connection:
            await migrate(connection, MIGRATIONS)
        yield opened
        await opened.close()
        await server.stop()
        release_ports(ports)


class Script:
    """The same batches of events whenever it is played: of one account and one partition of its own."""

    def __init__(self, seed: int, account_id: str) -> None:
        self.random = Random(seed)  # noqa: S311 (the same script each time)
        self.account_id = account_id
        self.partition = 100_000 + self.random.randrange(1_000_000)
        self.seconds = 0.0

    def base(self) -> dict[str, Any]:
        self.seconds += self.random.choice((0.0, 0.5, 20.0))
        event_id = UUID(int=self.random.getrandbits(128), version=4)
        return {
            "event_id": event_id,
            "occurred_at": AT + timedelta(seconds=self.seconds),
            "account_id": self.account_id,
        }

    def inbound(self) -> Any:
        random, base, phone = self.random, self.base(), self.random.choice(PHONES)
        if random.random() < 0.25:
            scopes = (random.choice(("account", "list:1", "list:2")),)
            if random.random() < 0.5:
                return OptOutRequested(**base, phone=phone, scopes=scopes, by="api", source="api")
            return OptInRequested(**base, phone=phone, scopes=scopes, by="api", source="api", statement="yes")
        sent_at = base["occurred_at"] if random.random() < 0.7 else None
        pointer = f"m{random.randrange(12)}" if random.random() < 0.4 else None
        return MessageReceived(
            **base, phone=phone, gateway="clicksend", gateway_message_id=str(base["event_id"]), sent_at=sent_at,
            sender_number=NUMBERS[random.choice((1, 2))], body=random.choice(BODIES),
            replied_message_id=pointer,
        )  # fmt: skip

    def delivery(self) -> Any:
        random, list_id = self.random, self.random.choice((1, 2))
        message = {
            **self.base(), "message_id": f"m{random.randrange(12)}", "list_id": list_id, "phone": random.choice(PHONES),
            "sender_number": NUMBERS[list_id],
        }  # fmt: skip
        match random.randrange(5):
            case 0 | 1:
                instruction = random.choice((None, "Reply STOP to opt out"))
                return MessageDispatching(**message, decision_started_at=AT, instruction=instruction)
            case 2:
                return MessageSent(**message, carrier_message_id=f"c{random.randrange(99)}")
            case 3:
                return MessageFailed(**message, reason="no")
        return MessageSuppressed(**message, scope="account", state="opted_out", decision_started_at=AT)

    async def play(self, pool: Any) -> list[Any]:
        """Return positions, errors and entries, as they come."""
        rules, results = StoredRules(), list[Any]()
        async with connection_from(pool) as connection:
            results.append(await read_position(connection, self.partition))
        inbound = deliveries = 0
        known: list[Any] = []
        for _ in range(15):
            events = [self.delivery() for _ in range(self.random.randrange(4))]
            batch = [self.inbound() for _ in range(self.random.randrange(1, 4))]
            if known and self.random.random() < 0.3:
                batch.append(self.random.choice(known))
            known += batch
            is_zombie = self.random.random() < 0.2
            async with connection_from(pool) as connection:
                end = deliveries + len(events) + 1
                await record_deliveries(connection, self.partition, deliveries, end, events)
                deliveries = end
            received = [EventAtOffset(inbound + number, each) for number, each in enumerate(batch)]
            asked = Batch(self.partition, inbound + is_zombie, inbound + len(batch), received)
            results.append(await self._record(pool, asked, rules))
            inbound += 0 if is_zombie else len(batch)
        async with connection_from(pool) as connection:
            results.append(await load_entries(connection, self.partition, 2, inbound))
        return results

    async def _record(self, pool: Any, batch: Batch, rules: StoredRules) -> Any:
        now = AT + timedelta(seconds=self.seconds)
        async with connection_from(pool) as connection:
            try:
                return await record_batch(connection, batch, rules, now, WINDOW)
            except PositionMovedError:
                return "moved"


def in_order(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, rows), key=str)


@pytest.mark.parametrize("seed", range(8))
async def test_the_same_batches_leave_the_same_log_on_postgres_and_simulated(seed: int, pool: Pool) -> None:
    account_id = f"like-{uuid4().hex[:12]}"
    real = await Script(seed, account_id).play(pool)
    simulated, database = played(STATEMENTS, Script(seed, account_id).play)
    assert simulated == real, "positions with the hash chain, entries, and who was refused"
    for table, columns in (("suppressions", SUPPRESSION), ("sent_messages", SENT)):
        rows = await pool.fetch(f"SELECT {columns} FROM {table} WHERE account_id = $1", account_id)
        names = columns.split(", ")
        there = [[row[name] for name in names] for row in database.committed(table).values()]
        assert in_order(there) == in_order(rows), table
