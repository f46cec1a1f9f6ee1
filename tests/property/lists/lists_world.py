"""One account on a real Postgres: its lists, its jobs, and the pipeline's decisions, without Kafka between them."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, Self, cast
from uuid import UUID, uuid4

from pydantic_core import to_json

from services.optout import files
from services.optout.api.contact_pages import CONTACTS, IN_ORDER
from services.optout.api.contacts import _put
from services.optout.api.errors import ApiError
from services.optout.api.known_list import KnownList
from services.optout.api.opt_out_filters import OptOutFilters
from services.optout.api.opt_outs import BY_PHONE
from services.optout.api.rights import ApiUser
from services.optout.api.runtime import Runtime
from services.optout.api.v3.contact_moves import _copied
from services.optout.api.v3.list_members import AskedMembers, ListMembers
from services.optout.decision_log.log import Batch, EventAtOffset, PostgresDecisionLog, record_batch
from services.optout.decision_log.position import read_position
from services.optout.decision_log.removals import RemovalsBatch
from services.optout.decision_log.stored_rules import StoredRules
from services.optout.jobs import store
from services.optout.jobs.clean_up import CLEAN_UP, UNDO, CleanUp, Undo
from services.optout.jobs.contact_import import CONTACT_IMPORT, ContactImport
from services.optout.jobs.erasure import ERASURE, Erasure
from services.optout.jobs.job_request import JobRequest
from services.optout.jobs.opt_out_import import OPT_OUT_IMPORT, OptOutImport
from services.optout.jobs.publish import RequestOfMany
from services.optout.jobs.reassignment import REASSIGNMENT, Reassignment
from services.optout.jobs.run import Jobs
from services.optout.pseudonyms import Pseudonyms
from shared.events.codec import decode
from shared.events.inbound import MessageReceived, inbound_event_adapter
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.postgres import Pool

NUMBER = "+18335550123"
_WINDOW = timedelta(days=30)
_STARTS_AT = datetime(2020, 1, 1, tzinfo=UTC)
LONG_AGO, LATER = _STARTS_AT - timedelta(days=100), _STARTS_AT + timedelta(days=100)
"""Before and after everything else of the account; both are past, as the dates in imports are."""
_REMOVE = "UPDATE contacts SET removed_at = now(), removed_by = $2 WHERE contact_id = $1"
_MEMBERS = "SELECT contact_id, phone FROM contacts WHERE list_id = $1 AND contact_id > $2 ORDER BY contact_id"
_SUPPRESSED = "SELECT phone, scope, source FROM suppressions WHERE account_id = $1 AND state <> 'opted_in'"
_ALL = 1000


class ListsWorld:
    """An account of its own, whose partition is its own too."""

    def __init__(self, pool: Pool, account_id: str, list_ids: list[int]) -> None:
        self.account_id = account_id
        self.list_ids = list_ids
        self._pool = pool
        self._partition = UUID(account_id).int % 2**31
        self._rules = StoredRules()
        self._now = _STARTS_AT
        self._list_members = ListMembers(pool)
        imports = ContactImport(pool), OptOutImport(pool, self), Reassignment(pool, self)
        self._jobs = Jobs(pool, [CleanUp(pool, self), Undo(pool, self), Erasure(pool, self), *imports])

    @classmethod
    async def create(cls, pool: Pool) -> Self:
        account_id = str(uuid4())
        await pool.execute("INSERT INTO accounts (account_id, name) VALUES ($1, 'Acme')", account_id)
        insert = "INSERT INTO contact_lists (account_id, name) VALUES ($1, $2) RETURNING list_id"
        return cls(pool, account_id, [await pool.fetchval(insert, account_id, name) for name in ("One", "Two")])

    def event_fields(self, phone: str) -> dict[str, Any]:
        self._now += timedelta(minutes=1)
        return {"event_id": uuid4(), "occurred_at": self._now, "account_id": self.account_id, "phone": phone}

    async def publish(self, requests: Sequence[JobRequest]) -> None:
        """Decide and record what a job publishes, from the bytes that Kafka would have."""
        await self.record([decode(inbound_event_adapter, to_json(each.fields)) for each in requests])

    async def publish_of_many(self, phones: Sequence[str], request_of: RequestOfMany) -> None:
        """The same, two recipients in a record: some examples have several."""
        log = PostgresDecisionLog(self._pool, self._rules, self._partition, 6, _WINDOW, lambda: self._now)
        for first in range(0, len(phones), 2):
            event = decode(inbound_event_adapter, to_json(request_of(phones[first : first + 2]).fields))
            assert isinstance(event, RemovalsRequested | RemovalsUndone)
            start = (await log.position()).next_offset
            await log.record(RemovalsBatch(self._partition, start, start + 1, start, event))

    async def record(self, events: Sequence[Any]) -> None:
        """Decide and record the events as the pipeline does."""
        async with self._pool.acquire() as connection:
            start = (await read_position(connection, self._partition)).next_offset
            received = [EventAtOffset(start + number, event) for number, event in enumerate(events)]
            batch = Batch(self._partition, start, start + len(events), received)
            await record_batch(connection, batch, self._rules, self._now, _WINDOW)

    async def writes(self, phone: str, text: str) -> UUID:
        fields = self.event_fields(phone)
        await self.record([MessageReceived(gateway="test", sender_number=NUMBER, body=text, **fields)])
        event_id: UUID = fields["event_id"]
        return event_id

    async def add(self, list_id: int, phone: str) -> list[tuple[int, str]]:
        """Add a contact, if the list has none of that phone, and return what was added: its id and phone."""
        newest = await self._newest(list_id)
        async with self._pool.acquire() as connection:
            await _put(connection, self.account_id, list_id, {phone: "{}"})
        return await self._members(list_id, newest)

    async def import_contacts(self, list_id: int, phones: Sequence[str]) -> list[tuple[int, str]]:
        """Import contacts, also those that the list has, and return their ids and phones."""
        newest = await self._newest(list_id)
        await self._import(CONTACT_IMPORT, list_id, ["phone"], [[phone] for phone in phones])
        return await self._members(list_id, newest)

    async def import_opt_outs(self, rows: Sequence[Sequence[str]]) -> None:
        await self._import(OPT_OUT_IMPORT, None, ["phone", "list", "date"], [["Number", "List", "Date"], *rows])

    async def _import(self, kind: str, list_id: int | None, columns: list[str], rows: Sequence[Sequence[str]]) -> UUID:
        content = "".join(",".join(row) + "\n" for row in rows).encode()
        file, _ = await files.store(self._pool, self.account_id, "x.csv", _once(content))
        asked = {"file_id": file.file_id, "size_bytes": file.size_bytes, "delimiter": ",", "columns": columns}
        job_id = await self._run(kind, list_id, asked | {"country": "US"})
        assert await self._pool.fetchval("SELECT (result ->> 'bad_rows')::int FROM jobs WHERE job_id = $1", job_id) == 0
        await self._pool.execute("DELETE FROM files WHERE file_id = $1", file.file_id)
        return job_id

    async def _newest(self, list_id: int) -> int:
        newest: int = await self._pool.fetchval(
            "SELECT coalesce(max(contact_id), 0) FROM contacts WHERE list_id = $1", list_id
        )
        return newest

    async def _members(self, list_id: int, after: int) -> list[tuple[int, str]]:
        return [(row["contact_id"], row["phone"]) for row in await self._pool.fetch(_MEMBERS, list_id, after)]

    async def copy(self, member: tuple[int, int], to_list_id: int, *, moves: bool) -> list[tuple[int, str]] | None:
        """Copy or move a contact, as its list and its id, to another list; None where the API knows no such contact."""
        runtime = cast("Runtime", SimpleNamespace(pool=self._pool))
        newest = await self._newest(to_list_id)
        try:
            await _copied(runtime, ApiUser(self.account_id, 1, 1), (*member, to_list_id), moves=moves)
        except ApiError as error:
            if error.status_code != HTTPStatus.NOT_FOUND:
                raise
            return None
        return await self._members(to_list_id, newest)

    async def report_reassigned(self, phone: str, date: datetime) -> UUID:
        row = [phone, date.date().isoformat(), "yes"]
        return await self._import(REASSIGNMENT, None, ["phone", "date", "answer"], [["Number", "Date", "Answer"], row])

    async def erase(self, phone: str) -> None:
        pseudonym = Pseudonyms(["a key"]).new(self.account_id, phone)
        asked = {"phone": phone, "pseudonym": pseudonym, "reason": "they asked", "by": "somebody"}
        await self._run(ERASURE, None, asked)

    async def remove(self, contact_id: int, by: UUID) -> None:
        await self._pool.execute(_REMOVE, contact_id, by)

    async def clean_up(self, list_id: int, parts: list[str]) -> UUID:
        return await self._run(CLEAN_UP, list_id, {"parts": parts, "fields": ["phone"]})

    async def undo(self, list_id: int, clean_up: UUID) -> None:
        chunks = await self._pool.fetchval("SELECT count(*) FROM job_chunks WHERE job_id = $1", clean_up)
        await self._run(UNDO, list_id, {"clean_up_id": str(clean_up), "chunks": chunks})

    async def _run(self, kind: str, list_id: int | None, asked: dict[str, Any]) -> UUID:
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
        """Return what /v1 shows as active."""
        rows = await self._pool.fetch(f"{CONTACTS} {IN_ORDER.format(5)}", self.account_id, list_id, "", 0, _ALL)
        return sorted((row["contact_id"], row["phone"]) for row in rows if row["status"] == "active")

    async def opt_outs(self) -> dict[tuple[str, str], UUID]:
        """Return what /v1 shows as opted out, with the cause."""
        query, values = OptOutFilters([], [self.account_id]).query(BY_PHONE, "", "")
        rows = await self._pool.fetch(query, *values, _ALL)
        return {(row["phone"], row["scope"]): row["cause_event_id"] for row in rows if row["state"] == "opted_out"}

    async def shown(self, list_id: int, kind: str = "contacts") -> list[Any]:
        """Return what /v3 shows on a list."""
        asked = AskedMembers(KnownList(self.account_id, list_id, "a list", kind))
        rows, total = await self._list_members.page(asked, 0, _ALL)
        assert total == len(rows)
        return rows

    async def suppressed(self) -> dict[tuple[str, str], str | None]:
        """Return every suppression with its source."""
        rows = await self._pool.fetch(_SUPPRESSED, self.account_id)
        return {(row["phone"], row["scope"]): row["source"] for row in rows}


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
