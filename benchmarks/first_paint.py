"""First paint and bytes of every page of the dashboard, of an account with a million contacts, in a real Chromium.

Each visit has a browser's context of its own: nothing is kept from another page. What `settled` counts is there when
nothing is being loaded into the page any more, such as the counts of lists.
"""

import asyncio
import shutil
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from playwright.async_api import Browser, async_playwright

from benchmarks.lists import Importer, contact_lines, phone_of, write_lines
from benchmarks.rows import Row, row
from harness.account import Account
from harness.client import create_account
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack
from services.dashboard.places import PLACES

BUDGET_MS, BUDGET_BYTES = 1_000, 300_000
_VISITS = 3
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_FURTHER = (
    "/lists/LIST",
    "/lists/LIST?status=opted_out",
    "/lists/LIST?status=active",
    "/lists/LIST?q=PHONE",
    "/lists/LIST?q=Smith",
    "/lists/LIST?q=nobody",
    "/lists/LIST?q=Smith&status=opted_out",
    "/lists/LIST/import",
    "/lists/LIST/clean-up",
    "/opt-outs?list_id=LIST",
    "/opt-outs?source=reply",
    "/opt-outs?source=carrier",
    "/opt-outs?sender_number=12345",
    "/opt-outs/new",
    "/numbers/PHONE",
    "/numbers/PHONE/verify",
    "/campaigns/new",
    "/campaigns/CAMPAIGN",
    "/rules/new",
    "/policies",
)
_PAINTED = """() => new Promise((found) => new PerformanceObserver((entries) => entries.getEntries()
    .filter((each) => each.name === 'first-contentful-paint').forEach((each) => found(each.startTime))
).observe({type: 'paint', buffered: true}))"""
_ANSWERED = "performance.getEntriesByType('navigation')[0].responseStart"
_BYTES = """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .reduce((sum, each) => sum + each.decodedBodySize, 0)"""
_IS_SETTLED = "() => !document.querySelector('.htmx-request') && !!document.querySelector('main')"


@dataclass(frozen=True)
class _Visited:
    painted_ms: float
    answered_ms: float
    settled_ms: float
    size: int


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    chromium = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if chromium is None:
        return []
    contacts, opt_outs, replies = (20_000, 2_000, 100) if quick else (1_000_000, 100_000, 5_000)
    ends = stack.endpoints()
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, f"b-{uuid4().hex[:8]}")
    known = await _fill(ends, account, contacts, opt_outs)
    await _reply(ends, account, range(1, 10 * replies, 10))
    dashboard = stack.services.get("dashboard") or await stack.add_service("dashboard")
    rows = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        async with _session(ends, account, dashboard.url) as cookie:
            for path in [*(place.path for place in PLACES if place.name), *_FURTHER]:
                address = f"{dashboard.url}{_filled(path, known)}"
                visits = [await _visit(browser, address, cookie) for _ in range(1 if quick else _VISITS)]
                rows += _rows(path, visits)
        await browser.close()
    return rows


def _rows(path: str, visits: list[_Visited]) -> list[Row]:
    painted = statistics.median(each.painted_ms for each in visits)
    answered = statistics.median(each.answered_ms for each in visits)
    settled = statistics.median(each.settled_ms for each in visits)
    size = max(each.size for each in visits)
    name = f"first paint of {path} (baseline: the server's answer; settled {settled:,.0f} ms; {size / 1000:,.0f} kB)"
    return [row(name, painted, "ms", answered, f"< {BUDGET_MS:,}; < {BUDGET_BYTES // 1000} kB")]


async def _fill(ends: Endpoints, account: Account, contacts: int, opt_outs: int) -> dict[str, str]:
    """Import the contacts and the opt-outs, and schedule a campaign; return what addresses name."""
    login = (account.account_id, account.api_key)
    with TemporaryDirectory() as folder:
        async with httpx.AsyncClient(base_url=ends.api_url, auth=login, timeout=300) as http:
            shop = Importer(http)
            list_id = await shop.new_list("everybody")
            file, opted_out = Path(folder, "contacts.csv"), Path(folder, "opt_outs.csv")
            write_lines(file, contact_lines(contacts))
            url = (await shop.upload("/v3/uploads?convert=csv", file))["data"]["_url"]
            body = {"file_url": url, "field_order": "phone,first_name,last_name,custom_1"}
            await shop.ended((await http.post(f"/v3/lists/{list_id}/import", json=body)).json()["data"]["id"])
            every = contacts // opt_outs
            left = (f"{phone_of(each)},everybody,2024-05-01,old system\n" for each in range(0, contacts, every))
            write_lines(opted_out, ["number,list,date,source\n", *left])
            await shop.ended((await shop.upload("/v1/opt-outs/imports", opted_out))["job_id"])
            campaign = {
                "list_id": list_id,
                "name": "Later",
                "sender_number": "+18335550123",
                "body": "Boots. Reply STOP to opt out",
                "scheduled_at": (datetime.now(UTC) + timedelta(days=300)).isoformat(),
            }
            made = await http.post("/v1/campaigns", json=campaign)
            assert made.is_success, made.text
    return {"LIST": str(list_id), "PHONE": phone_of(0), "CAMPAIGN": str(made.json()["campaign_id"])}


async def _reply(ends: Endpoints, account: Account, numbers: range) -> None:
    """Have people write STOP, and wait until the last of them has left."""
    login, last = (account.account_id, account.api_key), phone_of(numbers[-1])
    async with httpx.AsyncClient(base_url=ends.api_url, auth=login, timeout=30) as http:
        for number in numbers:
            fields = {"from": phone_of(number), "to": "+18335550123", "body": "STOP", "message_id": str(uuid4())}
            answer = await http.post(account.webhook_url, data=fields)
            assert answer.status_code == 200, answer.text
        async with asyncio.timeout(300):
            while not (await http.get("/v1/opt-outs", params={"phone": last})).json()["opt_outs"]:
                await asyncio.sleep(0.1)


@asynccontextmanager
async def _session(ends: Endpoints, account: Account, url: str) -> AsyncIterator[dict[str, str]]:
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{ends.api_url}/v1/session", auth=(account.account_id, account.api_key))
    yield {"name": f"stopline-session-{urlsplit(url).port}", "value": answer.json()["token"], "url": url}


async def _visit(browser: Browser, address: str, cookie: Any) -> _Visited:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        await context.add_cookies([cookie])
        page = await context.new_page()
        began = time.perf_counter()
        answer = await page.goto(address)
        assert answer is not None
        assert answer.ok, f"{address}: {answer.status}"
        painted = await page.evaluate(_PAINTED)
        await page.wait_for_function(_IS_SETTLED)
        settled = 1000 * (time.perf_counter() - began)
        return _Visited(painted, await page.evaluate(_ANSWERED), settled, await page.evaluate(_BYTES))
    finally:
        await context.close()


def _filled(path: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        path = path.replace(name, value)
    return path.replace("q=+", "q=%2B")
