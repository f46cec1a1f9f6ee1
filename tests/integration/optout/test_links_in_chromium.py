"""The pages of links in a real Chromium: on a small phone, with and without scripts, for everybody who reads."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from linked_message import LIST, LinkedMessage
from optout_world import OptOutWorld
from playwright.async_api import Browser, Page, async_playwright, expect

from harness.stack.service import Service

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "STOPLINE_REQUIRE_CHROMIUM" not in os.environ,
    reason="there is no Chromium on this machine: apt-get install chromium",
)
SMALL = {"width": 320, "height": 560}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def message(world: OptOutWorld) -> LinkedMessage:
    await world.service.start()
    message = LinkedMessage(world)
    await message.leaves()
    await world.fence()
    return message


@asynccontextmanager
async def opened(browser: Browser, url: str, **options: Any) -> AsyncIterator[Page]:
    """Open a page on a small phone; afterwards assert that the browser has complained about nothing."""
    said: list[str] = []
    context = await browser.new_context(viewport=SMALL, **options)
    try:
        page = await context.new_page()
        page.on("console", lambda line: said.append(line.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(url)
        yield page
    finally:
        await context.close()
    assert [line for line in said if "404" not in line] == []


async def fits(page: Page) -> bool:
    """Say whether nothing has to be scrolled sideways."""
    width: int = await page.evaluate("document.documentElement.scrollWidth")
    return width <= SMALL["width"]


@pytest.mark.parametrize("scripts", ["with scripts", "without scripts"])
async def test_one_tap_opts_out_on_a_small_phone(
    browser: Browser, links: Service, message: LinkedMessage, scripts: str
) -> None:
    url, world = f"{links.url}/{message.token}", message.world
    async with opened(browser, url, java_script_enabled=scripts == "with scripts") as page:
        button = page.get_by_role("button", name="Stop these messages")
        box = await button.bounding_box()
        assert box is not None
        assert box["height"] >= 48
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= SMALL["width"]
        assert await fits(page)
        await button.click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Done:")
        assert await page.get_by_role("button", name="I changed my mind").count() == 1
        assert await fits(page)
    await world.fence()
    assert world.suppressions() == {f"list:{LIST}": "opted_out"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_has_a_violation_of_accessibility(
    browser: Browser, links: Service, message: LinkedMessage, scheme: str
) -> None:
    url = f"{links.url}/{message.token}"
    async with opened(browser, url, color_scheme=scheme) as page:
        await assert_accessible(page)
        await page.get_by_role("button", name="Stop all messages").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Done:")
        await assert_accessible(page)
    async with opened(browser, f"{links.url}/{'z' * 11}", color_scheme=scheme) as page:
        await expect(page.get_by_role("heading", level=1)).to_contain_text("We do not know this link")
        await assert_accessible(page)


async def assert_accessible(page: Page) -> None:
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


async def test_a_policy_keeps_foreign_scripts_and_styles_from_running(
    browser: Browser, links: Service, message: LinkedMessage
) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{links.url}/{message.token}")
    ran = await page.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = 'window.ran = true';
        document.head.append(s); return window.ran === true }"""
    )
    assert ran is False
    await context.close()


async def test_a_preview_and_a_scanner_that_runs_scripts_and_follows_links_opt_nobody_out(
    browser: Browser, links: Service, message: LinkedMessage
) -> None:
    url, world = f"{links.url}/{message.token}", message.world
    async with httpx.AsyncClient() as preview:
        assert (await preview.head(url)).status_code == 200
        assert (await preview.get(url, headers={"User-Agent": "WhatsApp/2"})).status_code == 200
    async with opened(browser, url) as page:
        targets = await page.evaluate(
            "[...document.querySelectorAll('[href],[src],[action],form')].map(e => e.href || e.src || e.action)"
        )
        for target in targets:
            await page.goto(target)
        await page.reload()
        await page.wait_for_load_state("networkidle")
    await world.fence()
    assert world.suppressions() == {}
