"""Imports of contacts: the file is read and checked in steps, then all is added in one transaction.

An import adds contacts and nothing else: whether a contact has opted out follows from the suppressions as before.
"""

from collections.abc import AsyncIterator
from functools import partial

from services.optout.contact_columns import ContactReader
from services.optout.contact_phone import contact_phone
from services.optout.jobs import store
from services.optout.jobs.job import AccountJob, JobFailedError
from services.optout.jobs.rows import read_block
from shared.postgres import Connection, Pool, connection_from

CONTACT_IMPORT = "contact_import"
_COLUMNS = ("account_id", "list_id", "phone", "fields")
_WRITE_SECONDS = 1800.0

# The list, locked against its deletion; no row comes back where it is deleted.
_LOCK_LIST = "SELECT FROM contact_lists WHERE list_id = $1 AND deleted_at IS NULL FOR KEY SHARE"
_DELETE_CHUNKS = "DELETE FROM job_chunks WHERE job_id = $1"


class ContactImport:
    """The kind of job that imports contacts.

    Its input: `file_id` and `size_bytes` of the file, its `delimiter`, the `columns`, and the account's `country`.
    """

    name = CONTACT_IMPORT

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def step(self, job: AccountJob) -> AccountJob:
        if not job.place.get("is_read"):
            columns = job.input["columns"]
            phone_of = partial(contact_phone, country=job.input["country"])
            reader = ContactReader(columns, phone_of, f"{job.account_id}\t{job.list_id}\t")
            return await read_block(self._pool, job, columns, reader.line)
        async with connection_from(self._pool) as connection, connection.transaction():
            return await self._add(connection, job)

    async def _add(self, connection: Connection, job: AccountJob) -> AccountJob:
        if await connection.fetchrow(_LOCK_LIST, job.list_id) is None:
            raise JobFailedError("the list was deleted meanwhile")
        await connection.copy_to_table("contacts", source=self._lines(job), columns=_COLUMNS, timeout=_WRITE_SECONDS)
        await connection.execute(_DELETE_CHUNKS, job.job_id)
        result = dict(job.result)
        after = job.finished({"added": result.pop("good_rows"), **result})
        await store.save(connection, after)
        return after

    async def _lines(self, job: AccountJob) -> AsyncIterator[bytes]:
        async with connection_from(self._pool) as connection:
            for number in range(job.place["chunks"]):
                yield await store.chunk(connection, job.job_id, number)
