"""The page of phones in the browser, as somebody uses it who tries Stopline for the first time."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

SECONDS = 30.0
"""For what a real stack does, on a machine that may be busy."""
expect.set_options(timeout=SECONDS * 1_000)
MILLISECONDS = re.compile(r"^(< 1|\d+(\.\d)?|\d,\d{3}) ms$|^\d+\.\d s$")
EVERY_STEP = ["Reply", "Rule", "Record", "Suppression", "Fence", "Drop"]


@dataclass(frozen=True)
class PhonesInBrowser:
    """The page in a browser: six phones, a form to send with, and what it shows of the system."""

    page: Page

    def phone(self, name: str) -> Locator:
        return self.page.locator("li.phone", has=self.page.get_by_role("heading", name=name, exact=True))

    def received(self, name: str) -> Locator:
        return self.phone(name).locator(".bubble.in")

    def journey(self, name: str, words: str) -> Locator:
        """Return the newest journey of this reply."""
        heading = self.page.get_by_role("heading", name=f"{name} {words}", exact=True)
        return self.page.locator("li.journey", has=heading).first

    async def send(self, list_name: str, way: str = "both") -> None:
        await self.page.get_by_role("radio", name=list_name).check()
        await self.page.locator("#way").select_option(way)
        await self.page.get_by_role("button", name=f"Send to {list_name}").click()
        await expect(self.page.locator("#answer")).to_contain_text("all were requested")

    async def reply(self, name: str, words: str) -> None:
        """Press one of the suggested words."""
        await self.phone(name).get_by_role("button", name=words, exact=True).click()

    async def steps(self, name: str, words: str) -> dict[str, str]:
        """Return what each step of the newest journey of this reply took."""
        found = await self.journey(name, words).locator(".steps > li").all()
        return {await each.locator(".title").inner_text(): await each.locator(".took").inner_text() for each in found}

    async def tab_to(self, wanted: Locator) -> None:
        """Press Tab until this has the focus."""
        for _ in range(100):
            await self.page.keyboard.press("Tab")
            if await wanted.evaluate("each => each === document.activeElement"):
                return
        raise AssertionError("it cannot be reached with the keyboard")

    def _shown_count(self, name: str) -> Locator:
        return self.page.locator("#tally div", has=self.page.get_by_text(name, exact=True)).locator("dd")

    async def count(self, name: str) -> int:
        return int((await self._shown_count(name).inner_text()).replace(",", ""))

    async def counts(self, name: str, number: int) -> None:
        """Wait until this is the count: what arrives on phones is read elsewhere than events, and maybe later."""
        await expect(self._shown_count(name)).to_have_text(f"{number:,}")

    async def is_quiet(self) -> None:
        """Wait until every reply is decided, and every message that was requested has its outcome."""
        for name in ("of them undecided", "of them waiting"):
            await self.counts(name, 0)

    async def press(self, command: str, part: str) -> None:
        await self.page.get_by_role("button", name=f"{command} {part}").click()

    async def is_state(self, part: str, state: str) -> None:
        row = self.page.locator("#parts li", has=self.page.locator(".name", has_text=part))
        await expect(row.locator(".state")).to_have_text(state, timeout=60_000)


@asynccontextmanager
async def open_phones(browser: Browser, url: str, **options: Any) -> AsyncIterator[PhonesInBrowser]:
    """Open the page and wait until it is live; afterwards assert that the browser has complained about nothing."""
    said: list[str] = []
    context = await browser.new_context(**{"viewport": {"width": 1440, "height": 1000}, **options})
    try:
        page = await context.new_page()
        page.on("console", lambda line: said.extend(_complaint(line)))
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(url)
        await expect(page.locator("#state-text")).to_have_text("Live")
        await expect(page.get_by_role("radio")).to_have_count(3)
        yield PhonesInBrowser(page)
    finally:
        await context.close()
    assert not said, said


def _complaint(line: ConsoleMessage) -> list[str]:
    return [line.text] if line.type in ("error", "warning") else []
