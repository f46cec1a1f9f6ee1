"""Lists of a million: an import next to a COPY of the file, pages, an import of opt-outs, a clean-up; the API's memory.

Each row has a phone with its country code, two names and a custom field.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import psutil

from benchmarks.rows import Row, row
from benchmarks.traffic import SENDS_PER_SECOND, STOPS_PER_SECOND, fences, stops_and_sends
from harness.client import create_account
from harness.stack.stack import Stack

_PIECE = 1024 * 1024
_PAGE_CONTACTS = 100
_PAGE_TIMES = 20
_FENCES_SECONDS = 5.0

_BARE = "CREATE TABLE copied (phone text, first_name text, last_name text, custom_1 text)"
# The indexes of `contacts`, without its check and its JSON.
_INDEXED = """
CREATE TABLE copied (
    contact_id bigint PRIMARY KEY DEFAULT nextval('contact_ids'), account_id text DEFAULT 'account',
    list_id bigint DEFAULT 1, phone text, first_name text, last_name text, custom_1 text
);
CREATE INDEX ON copied (list_id, contact_id);
CREATE INDEX ON copied (list_id, phone);
CREATE INDEX ON copied (account_id, phone)
"""


@dataclass
class Importer:
    """A customer who uploads files, and waits for what becomes of them."""

    http: httpx.AsyncClient

    async def new_list(self, name: str) -> int:
        answer = await self.http.post("/v1/lists", json={"name": name})
        return int(answer.json()["list_id"])

    async def upload(self, path: str, file: Path) -> dict[str, Any]:
        answer = await self.http.post(path, content=_pieces(file), headers={"Content-Type": "text/csv"})
        assert answer.status_code in (200, 202), answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def ended(self, job_id: str) -> dict[str, Any]:
        while True:
            job: dict[str, Any] = (await self.http.get(f"/v1/jobs/{job_id}")).json()
            if job["state"] not in ("waiting", "running"):
                assert job["state"] == "done", job
                return job
            await asyncio.sleep(0.05)


@dataclass(frozen=True)
class _Sizes:
    """How many contacts are imported, how many opt-outs, and how many of these are of the contacts."""

    contacts: int
    opt_outs: int
    of_contacts: int


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    sizes = _Sizes(20_000, 4_000, 2_000) if quick else _Sizes(1_000_000, 1_000_000, 100_000)
    ends = stack.endpoints()
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"b-{uuid4().hex[:8]}")
    login = (account.account_id, account.api_key)
    api = psutil.Process(stack.services["api"].process.pid)
    with tempfile.TemporaryDirectory() as folder:
        file, opted_out = Path(folder, "contacts.csv"), Path(folder, "opt_outs.csv")
        write_lines(file, contact_lines(sizes.contacts))
        write_lines(opted_out, chain(["number,list,date,source\n"], _opt_outs(sizes)))
        async with httpx.AsyncClient(base_url=ends.api_url, auth=login, timeout=300) as http, _peak(api) as peak:
            shop = Importer(http)
            list_id, other_id = await shop.new_list("everybody"), await shop.new_list("others")
            uploaded, imported = await _import(shop, list_id, file)
            pages = await _pages(shop, list_id, sizes)
            opt_out_seconds = await _import_opt_outs(shop, opted_out)
            async with stops_and_sends(ends.kafka_bootstrap, account, other_id):
                cleaned = await _clean_up(ends.kafka_bootstrap, shop, list_id, sizes)
        bare, indexed = await _copy(stack, file, _BARE), await _copy(stack, file, _INDEXED)
    rate = sizes.contacts / imported
    return [
        row(f"import of {sizes.contacts:,} contacts (a bare COPY)", rate, "/s", sizes.contacts / bare, "≥ 50,000/s"),
        row(
            "the same (a COPY of the file into a table with its indexes)", rate, "/s", sizes.contacts / indexed, "≥ 0.3"
        ),
        row("the same with its upload", sizes.contacts / (uploaded + imported), "/s"),
        *pages,
        row(f"import of {sizes.opt_outs:,} opt-outs", sizes.opt_outs / opt_out_seconds, "/s"),
        *cleaned,
        row("largest memory of the API meanwhile", peak[0] / 1e6, "MB", aim="< 300"),
    ]


async def _import(shop: Importer, list_id: int, file: Path) -> tuple[float, float]:
    """Return the seconds of the upload, and of the import."""
    started = time.perf_counter()
    url = (await shop.upload("/v3/uploads?convert=csv", file))["data"]["_url"]
    uploaded = time.perf_counter()
    body = {"file_url": url, "field_order": "phone,first_name,last_name,custom_1"}
    answer = await shop.http.post(f"/v3/lists/{list_id}/import", json=body)
    await shop.ended(answer.json()["data"]["id"])
    return uploaded - started, time.perf_counter() - uploaded


async def _pages(shop: Importer, list_id: int, sizes: _Sizes) -> list[Row]:
    """Return what the last page costs next to the first, when both were read before."""
    last = sizes.contacts // _PAGE_CONTACTS
    waits: dict[int, list[float]] = {1: [], last: []}
    for number in [1, last] * (_PAGE_TIMES + 1):
        started = time.perf_counter()
        answer = await shop.http.get(f"/v3/lists/{list_id}/contacts", params={"page": number, "limit": _PAGE_CONTACTS})
        waits[number].append((time.perf_counter() - started) * 1000)
        assert len(answer.json()["data"]["data"]) == _PAGE_CONTACTS, answer.text
    first_page, last_page = (statistics.median(each[1:]) for each in waits.values())
    return [
        row(f"page {last:,} of a list, median (page 1)", last_page, "ms", first_page, "≤ 1.2"),
        row("the first page of a list that nobody has read yet", waits[1][0], "ms"),
    ]


async def _import_opt_outs(shop: Importer, file: Path) -> float:
    started = time.perf_counter()
    await shop.ended((await shop.upload("/v1/opt-outs/imports", file))["job_id"])
    return time.perf_counter() - started


async def _clean_up(bootstrap: str, shop: Importer, list_id: int, sizes: _Sizes) -> list[Row]:
    """Return the rows of a clean-up, with fences before and meanwhile."""
    async with fences(bootstrap) as all_fences:
        before = await all_fences.pass_for(_FENCES_SECONDS)
        async with all_fences.passing() as meanwhile:
            started = time.perf_counter()
            answer = await shop.http.post(f"/v1/lists/{list_id}/clean-up", json={"what": ["opt_outs"]})
            job = await shop.ended(answer.json()["job_id"])
            seconds = time.perf_counter() - started
    assert job["result"] == {"opt_outs": sizes.of_contacts}, job
    during = f"STOPs ({STOPS_PER_SECOND}/s) and sends ({SENDS_PER_SECOND}/s) go on"
    return [
        row(f"clean-up of the list with {sizes.of_contacts:,} opt-outs while {during}", seconds, "s", aim="< 10"),
        row("fence meanwhile, p50 (before it)", meanwhile.percentile(50), "ms", before.percentile(50)),
        row("fence meanwhile, p99 (before it)", meanwhile.percentile(99), "ms", before.percentile(99), "≤ 1.5"),
    ]


async def _copy(stack: Stack, file: Path, table: str) -> float:
    """Return the seconds of a COPY of the file into a new table."""
    connection = await asyncpg.connect(stack.backend.optout_database_url)
    columns = ("phone", "first_name", "last_name", "custom_1")
    try:
        await connection.execute(table)
        started = time.perf_counter()
        await connection.copy_to_table("copied", source=file, columns=columns, format="csv", timeout=300)
        return time.perf_counter() - started
    finally:
        await connection.execute("DROP TABLE IF EXISTS copied")
        await connection.close()


@asynccontextmanager
async def _peak(process: psutil.Process) -> AsyncIterator[list[int]]:
    """Give the largest resident memory of a process inside the `with` block."""
    peak = [0]

    async def look() -> None:
        while True:
            peak[0] = max(peak[0], process.memory_info().rss)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(look())
    yield peak
    task.cancel()


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece


def write_lines(file: Path, lines: Iterable[str]) -> None:
    with file.open("w") as opened:
        opened.writelines(lines)


def phone_of(n: int) -> str:
    return f"+1{(201 + n // 10_000_000) * 10_000_000 + n * 7 % 10_000_000:010d}"


def contact_lines(count: int) -> Iterator[str]:
    for n in range(count):
        yield f'{phone_of(n)},Ann,"Smith, the {n}th",customer {n}\n'


def _opt_outs(sizes: _Sizes) -> Iterator[str]:
    every = sizes.contacts // sizes.of_contacts
    others = range(sizes.contacts, sizes.contacts + sizes.opt_outs - sizes.of_contacts)
    for n in chain(range(0, sizes.contacts, every), others):
        yield f"{phone_of(n)},others,2024-05-01,old system\n"
