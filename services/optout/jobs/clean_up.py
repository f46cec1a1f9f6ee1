"""Clean-ups: whoever is on the opt-out list leaves a list by an opt-out of it, and other contacts are removed.

Nothing is deleted, so that a clean-up can be undone.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from services.optout.contact_columns import COLUMNS
from services.optout.jobs import store
from services.optout.jobs.job import AccountJob, JobFailedError
from services.optout.jobs.job_request import JobRequest
from services.optout.jobs.publish import JobPublisher, RequestOfMany, publish_lines
from services.optout.removals import removal_id, undo_id
from shared.events.base import derived_id
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.phones.canonical import is_valid, settled_phone
from shared.postgres import Connection, Pool, connection_from

log = logging.getLogger(__name__)

CLEAN_UP, UNDO = "clean_up", "undo"
UNDO_DAYS = 30
_LONG_SECONDS = 600.0
_PHONES_AT_ONCE = 20_000
_CHECKED_AT_ONCE = 10_000

# Members of the list who have opted out of anything of the account, and are still on the list. That another clean-up
# took somebody off a list is not an opt-out.
OPTED_OUT_ELSEWHERE = """
SELECT DISTINCT c.phone FROM contacts c
JOIN suppressions s ON s.account_id = $1 AND s.phone = c.phone AND s.is_opt_out
WHERE c.list_id = $2 AND c.removed_at IS NULL AND NOT EXISTS (
    SELECT FROM suppressions left_ WHERE left_.account_id = $1 AND left_.phone = c.phone
        AND left_.state = 'opted_out' AND left_.scope IN ('account', 'list:' || $2::bigint))
"""

WITHOUT_NESTED_LOOPS = "SET LOCAL enable_nestloop = off"
"""For the query above, in its transaction: just after an import Postgres takes both tables for small, and would compare
each member with each opt-out (70 s for 20,000 opt-outs; by hashes it is 0.2 s)."""

# Members whose values of these fields another one has who was there before; one without any of them is nobody's double.
DUPLICATES = """
SELECT contact_id FROM (
    SELECT contact_id, row_number() OVER (PARTITION BY who ORDER BY contact_id) AS number
    FROM (
        SELECT c.contact_id, array(
            SELECT CASE name WHEN 'phone' THEN c.phone ELSE lower(c.fields ->> name) END FROM unnest($2::text[]) AS name
        ) AS who
        FROM contacts c WHERE c.list_id = $1 AND c.removed_at IS NULL
    ) AS members
    WHERE array_to_string(who, '') <> ''
) AS numbered WHERE number > 1
"""

# The usual case, which needs no look at the fields.
PHONE_DUPLICATES = """
SELECT contact_id FROM (
    SELECT contact_id, row_number() OVER (PARTITION BY phone ORDER BY contact_id) AS number
    FROM contacts WHERE list_id = $1 AND removed_at IS NULL AND phone IS NOT NULL AND $2::text[] IS NOT NULL
) AS numbered WHERE number > 1
"""

# Both look again whether a contact is there: who was deleted by hand meanwhile does not come back with an undo.
_REMOVE = """
UPDATE contacts SET removed_at = now(), removed_by = $2 WHERE contact_id = ANY($1::bigint[]) AND removed_at IS NULL
"""
_REMOVE_DUPLICATES = """
UPDATE contacts SET removed_at = now(), removed_by = $3 WHERE contact_id IN ({}) AND removed_at IS NULL
"""
_RESTORE = "UPDATE contacts SET removed_at = NULL, removed_by = NULL WHERE removed_by = $1"

_COUNT_RECORDED = "SELECT count(*) FROM decisions WHERE event_id = ANY($1::uuid[])"

MEMBERS_AFTER = """
SELECT contact_id, phone FROM contacts WHERE list_id = $1 AND removed_at IS NULL AND contact_id > $2
ORDER BY contact_id LIMIT $3
"""


def duplicates_query(fields: Sequence[str]) -> str:
    """Return the query for duplicates by these fields."""
    return PHONE_DUPLICATES if list(fields) == ["phone"] else DUPLICATES


def compared_fields(names: Sequence[str]) -> list[str]:
    """Return the fields that make two contacts the same, by their names of clients; none: the phone.

    Raises:
        ValueError: a name is unknown.
    """
    fields = ["phone" if name == "phone_number" else name for name in names] or ["phone"]
    for name in fields:
        if name not in COLUMNS:
            raise ValueError(f"{name!r} is not a field of contacts; known are {', '.join(COLUMNS)}")
    return sorted(set(fields))


def invalid_ids(members: Sequence[Any]) -> list[int]:
    """Return the contacts whose number is in no range that is in use: pure."""
    return [row["contact_id"] for row in members if row["phone"] is not None and not is_valid(row["phone"])]


def _removals(job: AccountJob, phones: Sequence[str]) -> JobRequest:
    return _for_many(RemovalsRequested, job, phones)


def _removals_undone(job: AccountJob, clean_up_id: UUID, phones: Sequence[str]) -> JobRequest:
    return _for_many(RemovalsUndone, job, phones, clean_up_id=clean_up_id)


def _for_many(
    event_type: type[RemovalsRequested] | type[RemovalsUndone], job: AccountJob, phones: Sequence[str], **more: UUID
) -> JobRequest:
    event = event_type.model_validate(
        {
            "event_id": derived_id(job.job_id, "from", phones[0]),
            "occurred_at": datetime.now(UTC),
            "account_id": job.account_id,
            "list_id": job.list_id,
            "phones": tuple(phones),
            "by": job.account_id,
            "job_id": job.job_id,
            **more,
        }
    )
    return JobRequest(event_type, event.model_dump(mode="json"))


class CleanUp:
    """The kind of job that cleans a list up.

    Its input: `parts`, of `opt_outs`, `duplicates` and `invalid`, and the `fields` that duplicates have in common.
    """

    name = CLEAN_UP

    def __init__(self, pool: Pool, publisher: JobPublisher) -> None:
        self._pool = pool
        self._publisher = publisher

    async def step(self, job: AccountJob) -> AccountJob:
        place, parts = job.place, job.input["parts"]
        if "opt_outs" in parts and not place.get("is_published"):
            if "chunks" not in place:
                return await self._find(job)
            ids = partial(removal_id, job.job_id)
            publish = partial(_publish, self._pool, self._publisher, partial(_removals, job), ids)
            return await publish_lines(self._pool, job, job.job_id, publish)
        if "duplicates" in parts and not place.get("has_removed_duplicates"):
            async with connection_from(self._pool) as connection, connection.transaction():
                return await self._remove_duplicates(connection, job)
        if "invalid" in parts and place.get("checked") != "all":
            return await self._remove_invalid(job)
        return job.finished(job.result)

    async def _find(self, job: AccountJob) -> AccountJob:
        """Keep the phones that the clean-up takes off: those of this moment."""
        chunks = count = 0
        async with connection_from(self._pool) as connection, connection.transaction():
            await connection.execute(WITHOUT_NESTED_LOOPS)
            cursor = await connection.cursor(OPTED_OUT_ELSEWHERE, job.account_id, job.list_id, timeout=_LONG_SECONDS)
            while rows := await cursor.fetch(_PHONES_AT_ONCE):
                phones = "\n".join(row["phone"] for row in rows)
                await store.add_chunk(connection, job.job_id, chunks, phones.encode())
                chunks, count = chunks + 1, count + len(rows)
        return job.moved({"chunks": chunks}, total=count).with_result({**job.result, "opt_outs": count})

    async def _remove_duplicates(self, connection: Connection, job: AccountJob) -> AccountJob:
        fields = job.input["fields"]
        query = _REMOVE_DUPLICATES.format(duplicates_query(fields))
        tag = await connection.execute(query, job.list_id, fields, job.job_id, timeout=_LONG_SECONDS)
        after = job.moved({**job.place, "has_removed_duplicates": True}).with_result(
            {**job.result, "duplicates": _count(tag)}
        )
        await store.save(connection, after)
        return after

    async def _remove_invalid(self, job: AccountJob) -> AccountJob:
        async with connection_from(self._pool) as connection:
            members = await connection.fetch(MEMBERS_AFTER, job.list_id, job.place.get("checked", 0), _CHECKED_AT_ONCE)
        found = await asyncio.to_thread(invalid_ids, members)
        place = {**job.place, "checked": members[-1]["contact_id"] if members else "all"}
        async with connection_from(self._pool) as connection, connection.transaction():
            removed = _count(await connection.execute(_REMOVE, found, job.job_id))
            result = {**job.result, "invalid": job.result.get("invalid", 0) + removed}
            after = job.moved(place).with_result(result)
            await store.save(connection, after)
        return after


class Undo:
    """The kind of job that undoes a clean-up: exactly what that one caused, and nothing that people asked for since.

    Its input: `clean_up_id`, and how many `chunks` that job has.
    """

    name = UNDO

    def __init__(self, pool: Pool, publisher: JobPublisher) -> None:
        self._pool = pool
        self._publisher = publisher

    async def step(self, job: AccountJob) -> AccountJob:
        clean_up_id = UUID(job.input["clean_up_id"])
        if not job.place:
            return job.moved({"chunks": job.input["chunks"]})
        if not job.place.get("is_published"):
            request_of = partial(_removals_undone, job, clean_up_id)
            ids = partial(undo_id, job.job_id)
            publish = partial(_publish, self._pool, self._publisher, request_of, ids)
            return await publish_lines(self._pool, job, clean_up_id, publish)
        async with connection_from(self._pool) as connection, connection.transaction():
            tag = await connection.execute(_RESTORE, clean_up_id, timeout=_LONG_SECONDS)
            after = job.finished({"opt_outs": job.done, "restored": _count(tag)})
            await store.save(connection, after)
        return after


async def _publish(
    pool: Pool,
    publisher: JobPublisher,
    request_of: RequestOfMany,
    request_id: Callable[[str], str],
    phones: Sequence[str],
) -> None:
    """Publish the requests about these phones, and look whether the first one of each record is in the decision log.

    The pipeline goes on past a record that it parks: one that it cannot read, as it is older than such records are.
    A request about an older spelling is recorded by another partition, and perhaps later.

    Raises:
        JobFailedError: a record was parked.
    """
    first_ids: list[str] = []

    def noted(some: Sequence[str]) -> JobRequest:
        first_ids.extend(request_id(phone) for phone in some[:1] if settled_phone(phone) == phone)
        return request_of(some)

    await publisher.publish_of_many(phones, noted)
    async with connection_from(pool) as connection:
        missing = len(first_ids) - await connection.fetchval(_COUNT_RECORDED, first_ids)
    if missing:
        log.error("%d records about members of a list were not decided: see `stopline parked list`", missing)
        raise JobFailedError("a part could not be processed: the operator's log says more; then start it again")


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
