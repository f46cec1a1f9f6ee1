"""Fixtures of the pages: one stack with its dashboard and one Chromium for the session, an account for each test."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from browser_windows import BrowserWindows
from playwright.async_api import Browser, async_playwright, expect
from shop_of_pages import new_account
from site_of_dashboard import Site

from harness.account import Account
from harness.client import ApiClient
from harness.sandbox.client import SandboxClient
from harness.say import say_aside
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_HERE = Path(__file__).parent
expect.set_options(timeout=15_000)
"""What is expected comes at once on a quiet machine; CI's is not one, and only a failing test takes this long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none, with what to do."""
    if CHROMIUM is None and "STOPLINE_REQUIRE_CHROMIUM" not in os.environ:
        reason = "there is no Chromium on this machine: apt-get install chromium"
        for item in items:
            if _HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack() -> AsyncIterator[Stack]:
    async with Stack(links=True, dashboard=True, durable=False, say=say_aside) as stack:
        yield stack


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def windows(browser: Browser) -> BrowserWindows:
    return BrowserWindows(browser)


@pytest.fixture
def ends(stack: Stack) -> Endpoints:
    return stack.endpoints()


@pytest.fixture
def site(windows: BrowserWindows, ends: Endpoints) -> Site:
    """The dashboard in the browser."""
    return Site(windows, ends)


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox(ends: Endpoints) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(ends.sandbox_url) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="session")
async def account(ends: Endpoints, sandbox: SandboxClient) -> Account:
    return await new_account(ends, sandbox)


@pytest_asyncio.fixture(loop_scope="session")
async def api(ends: Endpoints, account: Account) -> AsyncIterator[ApiClient]:
    """The API as the account."""
    async with ApiClient(ends.api_url, account) as api:
        yield api
