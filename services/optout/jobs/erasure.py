"""Erasures: what is known of a recipient goes, in steps; what suppresses the phone stays.

The erasure is decided first, in order with the recipient's replies, and is an entry of the decision log like any other:
it erases what was written before it. What comes after it is new.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.optout.jobs import store
from services.optout.jobs.job import AccountJob
from services.optout.jobs.job_request import JobRequest
from services.optout.jobs.publish import JobPublisher
from shared.events.inbound import ErasureRequested
from shared.postgres import Connection, Pool, connection_from

ERASURE = "erasure"
_ROWS_AT_ONCE = 1_000

# The only way to change an entry of the decision log; returns how many were.
_ERASE_ENTRIES = "SELECT erase_entries($1, $2, $3)"

# A message that is not in Kafka yet is never sent. What became of the others is kept, under the pseudonym.
_ERASE_MESSAGES = """
WITH chosen AS (
    SELECT account_id, message_id FROM messages WHERE account_id = $1 AND phone = $2 LIMIT $4 FOR UPDATE
), receipts_of_them AS (
    DELETE FROM receipts r USING chosen WHERE r.account_id = chosen.account_id AND r.message_id = chosen.message_id
    RETURNING r.receipt_id
), calls_about_them AS (
    DELETE FROM webhook_deliveries d USING receipts_of_them gone WHERE d.event_id = gone.receipt_id
)
UPDATE messages m SET phone = $3, body = '', custom_string = '', from_email = NULL, contact_id = NULL, error = NULL,
    carrier_message_id = NULL, changed_at = now(),
    status = CASE status WHEN 'scheduled' THEN 'cancelled' WHEN 'publishing' THEN 'queued' ELSE status END
FROM chosen WHERE m.account_id = chosen.account_id AND m.message_id = chosen.message_id
"""

_DELETE_CONTACTS = "DELETE FROM contacts WHERE account_id = $1 AND phone = $2"
_DELETE_DROPS = "DELETE FROM dropped_messages WHERE account_id = $1 AND phone = $2"
_DELETE_SIMULATIONS = """
DELETE FROM simulations WHERE account_id = $1 AND (
    first_new @> jsonb_build_array(jsonb_build_object('phone', $2::text))
    OR first_lost @> jsonb_build_array(jsonb_build_object('phone', $2::text)))
"""
# The input of this job, and of those that failed before.
_FORGET_PHONE = """
UPDATE jobs SET input = input - 'phone' WHERE account_id = $1 AND kind = 'erasure' AND input ->> 'phone' = $2
    AND (job_id = $3 OR ended_at IS NOT NULL)
"""


class Erasure:
    """The kind of job that erases a recipient.

    Its input: `phone`, until it is done, its `pseudonym`, the `reason`, and who asked (`by`).
    """

    name = ERASURE

    def __init__(self, pool: Pool, publisher: JobPublisher) -> None:
        self._pool = pool
        self._publisher = publisher

    async def step(self, job: AccountJob) -> AccountJob:
        if not job.place:
            return job.moved({"asked_at": datetime.now(UTC).isoformat()})  # the same in every try
        if not job.place.get("is_decided"):
            await self._publisher.publish([JobRequest(ErasureRequested, _request(job).model_dump(mode="json"))])
            return job.moved({**job.place, "is_decided": True})
        async with connection_from(self._pool) as connection, connection.transaction():
            after = await _erase_some(connection, job)
            await store.save(connection, after)
        return after


async def _erase_some(connection: Connection, job: AccountJob) -> AccountJob:
    who = job.account_id, job.input["phone"]
    if not job.place.get("has_erased_entries"):
        count = await connection.fetchval(_ERASE_ENTRIES, job.job_id, job.input["phone"], _ROWS_AT_ONCE)
        return _counted(job, "entries", count, {**job.place, "has_erased_entries": not count})
    if not job.place.get("has_erased_messages"):
        count = _count(await connection.execute(_ERASE_MESSAGES, *who, job.input["pseudonym"], _ROWS_AT_ONCE))
        return _counted(job, "messages", count, {**job.place, "has_erased_messages": not count})
    contacts = _count(await connection.execute(_DELETE_CONTACTS, *who))
    await connection.execute(_DELETE_DROPS, *who)
    await connection.execute(_DELETE_SIMULATIONS, *who)
    await connection.execute(_FORGET_PHONE, *who, job.job_id)
    return job.finished({**job.result, "contacts": contacts}, done=job.done + contacts)


def _counted(job: AccountJob, name: str, count: int, place: Mapping[str, Any]) -> AccountJob:
    counted = {**job.result, name: job.result.get(name, 0) + count}
    return job.moved(place, done=job.done + count).with_result(counted)


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])


def _request(job: AccountJob) -> ErasureRequested:
    return ErasureRequested(
        event_id=job.job_id,
        occurred_at=datetime.fromisoformat(job.place["asked_at"]),
        account_id=job.account_id,
        phone=job.input["phone"],
        pseudonym=job.input["pseudonym"],
        reason=job.input["reason"],
        by=job.input["by"],
    )
