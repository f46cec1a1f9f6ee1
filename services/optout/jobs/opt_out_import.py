"""Imports of opt-outs from elsewhere: the whole file is read and checked before the first of them counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from services.optout.contact_columns import BadRowError, ContactReader
from services.optout.contact_phone import contact_phone
from services.optout.jobs.job import AccountJob
from services.optout.jobs.job_request import JobRequest, opt_out_request
from services.optout.jobs.publish import JobPublisher, publish_each, publish_lines
from services.optout.jobs.rows import read_block
from shared.events.base import derived_id_text, format_time
from shared.postgres import Connection, Pool, connection_from
from shared.scopes import ACCOUNT, list_scope

OPT_OUT_IMPORT = "opt_out_import"
MAX_STATEMENT_CHARACTERS = 500
_MAX_LISTS = 100_000

_NAMES = {
    "number": "phone", "phone_number": "phone", "mobile": "phone", "recipient": "phone", "phone": "phone",
    "list": "list", "list_id": "list", "list_name": "list",
    "date": "date", "date_added": "date", "opted_out_at": "date",
    "source": "source", "reason": "source",
}  # fmt: skip

LISTS = "SELECT list_id, name FROM contact_lists WHERE account_id = $1 AND kind <> 'opt_outs' ORDER BY list_id LIMIT $2"


def opt_out_columns(header: Sequence[str]) -> list[str | None]:
    """Return the meaning of a file's columns: phone, list, date, source; None for others.

    Raises:
        ValueError: there is no phone, or a meaning is there twice.
    """
    columns = [_NAMES.get(name.strip().lower().replace(" ", "_")) for name in header]
    for name in set(columns) - {None}:
        if columns.count(name) > 1:
            raise ValueError(f"the first row has two columns for the {name}")
    if "phone" not in columns:
        raise ValueError("the first row must name the columns: number, and where there are such list, date, source")
    return columns


@dataclass(frozen=True)
class OptOutReader:
    """The way from a row to a line that is kept: number of the row's opt-out, phone, scope, date, source.

    A date that cannot be read does not drop the opt-out: it counts without one, and the row is reported.

    Args:
        contacts: reads the phone.
        lists: the scope of each list, by its id and its name.
        now: no opt-out is later.
    """

    contacts: ContactReader
    lists: Mapping[str, str]
    now: datetime

    def line(self, row: Sequence[str]) -> str:
        """Return the line.

        Raises:
            BadRowError: says why; has the line where the opt-out counts all the same.
        """
        columns = self.contacts.columns
        if len(row) < len(columns):
            raise BadRowError(f"it has {len(row)} columns instead of {len(columns)}")
        values = {name: value.strip() for name, value in zip(columns, row, strict=False) if name}
        phone = self.contacts.phone(values["phone"])
        scope = ACCOUNT
        if given := values.get("list"):
            if given not in self.lists:
                raise BadRowError(f"there is no list {given[:100]!r}; without a list it counts for all")
            scope = self.lists[given]
        source = " ".join(values.get("source", "").split())[:MAX_STATEMENT_CHARACTERS]
        try:
            date = self._date(values.get("date", ""))
        except (ValueError, OverflowError):  # also what is before the year 1 in UTC, such as some systems' empty date
            reason = f"{values['date'][:50]!r} is not a past date such as 2024-05-31; the opt-out counts without it"
            raise BadRowError(reason, f"{phone}\t{scope}\t\t{source}\n") from None
        return f"{phone}\t{scope}\t{date}\t{source}\n"

    def _date(self, text: str) -> str:
        if not text:
            return ""
        read = datetime.fromisoformat(text)
        moment = read if read.tzinfo else read.replace(tzinfo=UTC)
        if moment > self.now:
            raise ValueError(text)
        return moment.astimezone(UTC).isoformat()


class OptOutImport:
    """The kind of job that imports opt-outs; its input is that of an import of contacts."""

    name = OPT_OUT_IMPORT

    def __init__(self, pool: Pool, publisher: JobPublisher) -> None:
        self._pool = pool
        self._publisher = publisher

    async def step(self, job: AccountJob) -> AccountJob:
        if not job.place.get("is_read"):
            return await self._read(job)
        if not job.place.get("is_published"):
            request_of = partial(_opt_out, job, format_time(datetime.now(UTC)))
            return await publish_lines(self._pool, job, job.job_id, partial(publish_each, self._publisher, request_of))
        result = dict(job.result)
        return job.finished({"opted_out": result.pop("good_rows"), **result})

    async def _read(self, job: AccountJob) -> AccountJob:
        async with connection_from(self._pool) as connection:
            lists = await scopes_of_lists(connection, job.account_id)
        columns = job.input["columns"]
        contacts = ContactReader(columns, partial(contact_phone, country=job.input["country"]))
        reader = OptOutReader(contacts, lists, datetime.now(UTC))
        after = await read_block(self._pool, job, columns, reader.line)
        return after.counted_again(after.result["good_rows"]) if after.place["is_read"] else after


async def scopes_of_lists(connection: Connection, account_id: str) -> dict[str, str]:
    """Return the scope of each of the account's lists, by its id and its name; ids come first."""
    rows = await connection.fetch(LISTS, account_id, _MAX_LISTS)
    by_name = {row["name"]: list_scope(row["list_id"]) for row in rows}
    return by_name | {str(row["list_id"]): list_scope(row["list_id"]) for row in rows}


def _opt_out(job: AccountJob, occurred_at: str, line: str) -> JobRequest:
    phone, scope, date, source = line.split("\t")
    return opt_out_request(
        job,
        derived_id_text(job.job_id, "opt-out", phone, scope, date, source),
        phone,
        scope,
        "import",
        occurred_at=occurred_at,
        statement=source or None,
        asked_at=format_time(datetime.fromisoformat(date)) if date else None,
    )
