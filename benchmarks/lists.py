"""Lists of a million: an import next to a bare COPY of the file, an import of opt-outs, a clean-up; the API's memory.

Each row has a phone with its country code, two names and a custom field.
"""

import asyncio
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
from harness.client import create_account
from harness.stack.stack import Stack

_PIECE = 1024 * 1024


@dataclass
class _Shop:
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


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    contacts, opt_outs = (20_000, 2_000) if quick else (1_000_000, 100_000)
    ends = stack.endpoints()
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"b-{uuid4().hex[:8]}")
    login = (account.account_id, account.api_key)
    api = psutil.Process(stack.services["api"].process.pid)
    with tempfile.TemporaryDirectory() as folder:
        file, opted_out = Path(folder, "contacts.csv"), Path(folder, "opt_outs.csv")
        _write(file, _contacts(contacts))
        _write(opted_out, chain(["number,list,date,source\n"], _opt_outs(contacts, opt_outs)))
        async with httpx.AsyncClient(base_url=ends.api_url, auth=login, timeout=300) as http, _peak(api) as peak:
            shop = _Shop(http)
            list_id, _ = await shop.new_list("everybody"), await shop.new_list("others")
            uploaded, imported = await _import(shop, list_id, file)
            opt_out_seconds = await _import_opt_outs(shop, opted_out)
            cleaned = await _clean_up(shop, list_id, opt_outs)
        bare = await _bare_copy(stack, file)
    return [
        row(
            f"import of {contacts:,} contacts", contacts / imported, "/s", contacts / bare, "≥ 50,000/s, ≥ 0.3 of COPY"
        ),
        row("the same with its upload", contacts / (uploaded + imported), "/s", contacts / bare),
        row(f"import of {opt_outs:,} opt-outs", opt_outs / opt_out_seconds, "/s"),
        row(f"clean-up of the list with {opt_outs:,} opt-outs", cleaned, "s", aim="< 10"),
        row("largest memory of the API meanwhile", peak[0] / 1e6, "MB", aim="< 300"),
    ]


async def _import(shop: _Shop, list_id: int, file: Path) -> tuple[float, float]:
    started = time.perf_counter()
    url = (await shop.upload("/v3/uploads?convert=csv", file))["data"]["_url"]
    uploaded = time.perf_counter()
    body = {"file_url": url, "field_order": "phone,first_name,last_name,custom_1"}
    answer = await shop.http.post(f"/v3/lists/{list_id}/import", json=body)
    await shop.ended(answer.json()["data"]["id"])
    return uploaded - started, time.perf_counter() - uploaded


async def _import_opt_outs(shop: _Shop, file: Path) -> float:
    started = time.perf_counter()
    await shop.ended((await shop.upload("/v1/opt-outs/imports", file))["job_id"])
    return time.perf_counter() - started


async def _clean_up(shop: _Shop, list_id: int, expected: int) -> float:
    started = time.perf_counter()
    answer = await shop.http.post(f"/v1/lists/{list_id}/clean-up", json={"what": ["opt_outs"]})
    job = await shop.ended(answer.json()["job_id"])
    assert job["result"] == {"opt_outs": expected}, job
    return time.perf_counter() - started


async def _bare_copy(stack: Stack, file: Path) -> float:
    connection = await asyncpg.connect(stack.backend.optout_database_url)
    try:
        await connection.execute("CREATE TEMP TABLE bare (phone text, first_name text, last_name text, custom_1 text)")
        started = time.perf_counter()
        await connection.copy_to_table("bare", source=file, format="csv", timeout=300)
        return time.perf_counter() - started
    finally:
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


def _write(file: Path, lines: Iterable[str]) -> None:
    with file.open("w") as opened:
        opened.writelines(lines)


def _phone(n: int) -> str:
    return f"+1{(201 + n // 10_000_000) * 10_000_000 + n * 7 % 10_000_000:010d}"


def _contacts(count: int) -> Iterator[str]:
    for n in range(count):
        yield f'{_phone(n)},Ann,"Smith, the {n}th",customer {n}\n'


def _opt_outs(contacts: int, count: int) -> Iterator[str]:
    for n in range(0, contacts, contacts // count):
        yield f"{_phone(n)},others,2024-05-01,old system\n"
