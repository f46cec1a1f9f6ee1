"""Imports of answers of the Reassigned Numbers Database: numbers that belong to somebody else now.

The consent of the one before ends: the number is not messaged until there is consent again, and leaves its lists. It is
not an opt-out of anybody: no list of opt-outs shows it, and no statistics count it. What was opted out before stays so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from services.optout.contact_columns import BadRowError, ContactReader
from services.optout.contact_phone import contact_phone
from services.optout.jobs import store
from services.optout.jobs.job import AccountJob
from services.optout.jobs.job_request import JobRequest, opt_out_request
from services.optout.jobs.publish import JobPublisher, publish_each, publish_lines
from services.optout.jobs.rows import read_block
from shared.events.base import derived_id_text, format_time
from shared.postgres import Pool, connection_from
from shared.scopes import ACCOUNT

REASSIGNMENT = "reassigned_numbers"
COUNTRY = "US"
"""The database has numbers of the North American plan alone, without a country code."""
_DAY = timedelta(days=1, microseconds=-1)
_LONG_SECONDS = 600.0
_NAMES = {
    "number": "phone", "phone": "phone", "phone_number": "phone", "telephone_number": "phone", "tn": "phone",
    "date": "date", "consent_date": "date", "date_asked": "date",
    "answer": "answer", "response": "answer", "result": "answer", "reassigned": "answer",
}  # fmt: skip
_ANSWERS = {"yes": True, "y": True, "no": False, "n": False, "no data": False, "no_data": False, "nodata": False}

# Memberships of the numbers of an import, but of those who consented later than the date that was asked about.
_REMOVE = """
UPDATE contacts c SET removed_at = now(), removed_by = $2
FROM suppressions s
WHERE c.account_id = $1 AND c.phone = ANY($3::text[]) AND c.removed_at IS NULL
    AND s.account_id = c.account_id AND s.phone = c.phone AND s.scope = 'account' AND s.state = 'opted_out'
"""


def reassignment_columns(header: Sequence[str]) -> list[str | None]:
    """Return the meaning of a file's columns: phone, date, answer; None for others.

    Raises:
        ValueError: one of the three is missing, or is there twice.
    """
    columns = [_NAMES.get(name.strip().lower().replace(" ", "_")) for name in header]
    if any(columns.count(name) != 1 for name in ("phone", "date", "answer")):
        raise ValueError("the first row must name three columns, each once: number, date, answer")
    return columns


@dataclass(frozen=True)
class ReassignmentReader:
    """The way from a row to a line that is kept: phone and date of a number that was reassigned; of others none.

    Args:
        contacts: reads the phone.
        now: no date is later.
    """

    contacts: ContactReader
    now: datetime

    def line(self, row: Sequence[str]) -> str:
        """Return the line.

        Raises:
            BadRowError: says why.
        """
        columns = self.contacts.columns
        if len(row) < len(columns):
            raise BadRowError(f"it has {len(row)} columns instead of {len(columns)}")
        values = {name: value.strip() for name, value in zip(columns, row, strict=False) if name}
        phone = self.contacts.phone(values["phone"])
        is_reassigned = _ANSWERS.get(values["answer"].lower())
        if is_reassigned is None:
            raise BadRowError(f"{values['answer'][:50]!r} is not an answer: yes, no, or no data")
        return f"{phone}\t{self._end_of(values['date'])}\n" if is_reassigned else ""

    def _end_of(self, text: str) -> str:
        """Return the end of a day: consent of the day that was asked about is what ends."""
        try:
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            day = self.now + _DAY
        if day > self.now:
            raise BadRowError(f"{text[:50]!r} is not a past date such as 2024-05-31")
        return min(day + _DAY, self.now).isoformat()


class Reassignment:
    """The kind of job that imports the answers; its input is that of an import of contacts."""

    name = REASSIGNMENT

    def __init__(self, pool: Pool, publisher: JobPublisher) -> None:
        self._pool = pool
        self._publisher = publisher

    async def step(self, job: AccountJob) -> AccountJob:
        place = job.place
        if not place.get("is_read"):
            return await self._read(job)
        if not place.get("is_published"):
            request_of = partial(_request, job, format_time(datetime.now(UTC)))
            return await publish_lines(self._pool, job, job.job_id, partial(publish_each, self._publisher, request_of))
        if place.get("cleared", 0) < place["chunks"]:
            return await self._remove(job)
        return job.finished({**job.result, "reassigned": job.done}, done=job.done)

    async def _read(self, job: AccountJob) -> AccountJob:
        columns = job.input["columns"]
        contacts = ContactReader(columns, partial(contact_phone, country=COUNTRY))
        reader = ReassignmentReader(contacts, datetime.now(UTC))
        after = await read_block(self._pool, job, columns, reader.line)
        return after.counted_again(after.place["lines"]) if after.place["is_read"] else after

    async def _remove(self, job: AccountJob) -> AccountJob:
        """Take the numbers of one chunk off their lists."""
        cleared = job.place.get("cleared", 0)
        async with connection_from(self._pool) as connection, connection.transaction():
            lines = (await store.chunk(connection, job.job_id, cleared)).decode().splitlines()
            phones = [line.partition("\t")[0] for line in lines]
            tag = await connection.execute(_REMOVE, job.account_id, job.job_id, phones, timeout=_LONG_SECONDS)
            removed = job.result.get("removed", 0) + int(tag.rpartition(" ")[2])
            after = job.moved({**job.place, "cleared": cleared + 1}).with_result({**job.result, "removed": removed})
            await store.save(connection, after)
        return after


def _request(job: AccountJob, occurred_at: str, line: str) -> JobRequest:
    phone, asked_at = line.split("\t")
    return opt_out_request(
        job,
        derived_id_text(job.job_id, "reassigned", phone, asked_at),
        phone,
        ACCOUNT,
        "reassigned",
        occurred_at=occurred_at,
        statement="reassigned since the date that was asked about",
        asked_at=format_time(datetime.fromisoformat(asked_at)),
    )
