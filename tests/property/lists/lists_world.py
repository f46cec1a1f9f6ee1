"""One account on a real Postgres: its lists, its jobs, and the pipeline's record, without Kafka between them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

from services.optout.api.contacts import CONTACTS
from services.optout.api.opt_outs import OPT_OUTS
from services.optout.decision_log.log import Batch, UndecidedEvent, record_batch
from services.optout.decision_log.position import read_position
from services.optout.decision_log.stored_rules import StoredRules
from services.optout.jobs import store
from services.optout.jobs.clean_up import CLEAN_UP, UNDO, CleanUp, Undo
from services.optout.jobs.run import Jobs
from shared.events.inbound import MessageReceived, OptInRequested, OptOutRequested
from shared.postgres import Pool

NUMBER = "+18335550123"
_WINDOW = timedelta(days=30)
_ADD = "INSERT INTO contacts (account_id, list_id, phone) VALUES ($1, $2, $3) RETURNING contact_id"
_REMOVE = "UPDATE contacts SET removed_at = now(), removed_by = $2 WHERE contact_id = $1"
_ALL = 1000

Event = MessageReceived | OptOutRequested | OptInRequested


class ListsWorld:
    """An account of its own, whose partition is its own too."""

    def __init__(self, pool: Pool, account_id: str, list_ids: list[int]) -> None:
        self.account_id = account_id
        self.list_ids = list_ids
        self._pool = pool
        self._partition = UUID(account_id).int % 2**31
        self._rules = StoredRules()
        self._now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self._jobs = Jobs(pool, [CleanUp(pool, self), Undo(pool, self)])

    @classmethod
    async def create(cls, pool: Pool) -> Self:
        account_id = str(uuid4())
        await pool.execute("INSERT INTO accounts (account_id, name) VALUES ($1, 'Acme')", account_id)
        insert = "INSERT INTO contact_lists (account_id, name) VALUES ($1, $2) RETURNING list_id"
        return cls(pool, account_id, [await pool.fetchval(insert, account_id, name) for name in ("One", "Two")])

    def event_fields(self, phone: str) -> dict[str, Any]:
        self._now += timedelta(minutes=1)
        return {"event_id": uuid4(), "occurred_at": self._now, "account_id": self.account_id, "phone": phone}

    async def publish(self, events: Sequence[Event]) -> None:
        """Decide and record the events as the pipeline does."""
        async with self._pool.acquire() as connection:
            start = (await read_position(connection, self._partition)).next_offset
            received = [UndecidedEvent(start + number, event) for number, event in enumerate(events)]
            batch = Batch(self._partition, start, start + len(events), received)
            await record_batch(connection, batch, self._rules, self._now, _WINDOW)

    async def writes(self, phone: str, text: str) -> UUID:
        fields = self.event_fields(phone)
        await self.publish([MessageReceived(gateway="test", sender_number=NUMBER, body=text, **fields)])
        event_id: UUID = fields["event_id"]
        return event_id

    async def add(self, list_id: int, phone: str) -> int:
        contact_id: int = await self._pool.fetchval(_ADD, self.account_id, list_id, phone)
        return contact_id

    async def remove(self, contact_id: int, by: UUID) -> None:
        await self._pool.execute(_REMOVE, contact_id, by)

    async def clean_up(self, list_id: int, parts: list[str]) -> UUID:
        return await self._run(CLEAN_UP, list_id, {"parts": parts, "fields": ["phone"]})

    async def undo(self, list_id: int, clean_up: UUID) -> None:
        chunks = await self._pool.fetchval("SELECT count(*) FROM job_chunks WHERE job_id = $1", clean_up)
        await self._run(UNDO, list_id, {"clean_up_id": str(clean_up), "chunks": chunks})

    async def _run(self, kind: str, list_id: int, asked: dict[str, Any]) -> UUID:
        async with self._pool.acquire() as connection:
            job_id = await store.add(connection, store.NewJob(kind, self.account_id, asked, list_id))
        assert job_id is not None
        while await self._jobs._take_turn():
            pass
        row = await self._pool.fetchrow("SELECT state, error FROM jobs WHERE job_id = $1", job_id)
        assert row is not None
        assert row["state"] == "done", row["error"]
        return job_id

    async def active(self, list_id: int) -> list[tuple[int, str]]:
        """Return what the API shows as active."""
        rows = await self._pool.fetch(CONTACTS, self.account_id, list_id, "", 0, _ALL)
        return sorted((row["contact_id"], row["phone"]) for row in rows if row["status"] == "active")

    async def opt_outs(self) -> dict[tuple[str, str], UUID]:
        """Return what the API shows as opted out."""
        rows = await self._pool.fetch(OPT_OUTS, self.account_id, "", "", _ALL)
        return {(row["phone"], row["scope"]): row["cause_event_id"] for row in rows if row["state"] == "opted_out"}
