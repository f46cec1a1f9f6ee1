"""The dashboard as somebody sees it who is signed in: a real Chromium, the real stack, no answer made up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from axe_playwright_python.async_playwright import Axe
from browser_windows import BrowserWindows
from playwright.async_api import BrowserContext, Page, expect

from harness.account import Account
from harness.stack.endpoints import Endpoints

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 375, "height": 760}
_LIVE = "htmx:sseError"  # the stream of a page that is left


@dataclass(frozen=True)
class Site:
    """The dashboard of the stack, and windows of a browser to look at it."""

    windows: BrowserWindows
    ends: Endpoints

    @property
    def url(self) -> str:
        assert self.ends.dashboard_url is not None
        return self.ends.dashboard_url

    @asynccontextmanager
    async def visited(
        self,
        path: str,
        account: Account | None,
        *,
        size: dict[str, int] = WIDE,
        complains_of: tuple[str, ...] = (),
        is_new: bool = False,
        **options: Any,
    ) -> AsyncIterator[Page]:
        """Open a page, signed in; afterwards assert that the browser has complained about nothing.

        Args:
            path: of the page.
            account: that is signed in; None: nobody is.
            size: of the window.
            complains_of: parts of what the browser may say, such as "404".
            is_new: whether nothing may be kept from another page.
            options: of the browser's context, such as `color_scheme`.
        """
        said: list[str] = []
        async with self.windows.window(size, said, is_new=is_new, options=options) as page:
            if account is not None:
                await self.sign_in(page.context, account)
            await page.goto(f"{self.url}{path}")
            yield page
        unexpected = [line for line in said if not any(part in line for part in (_LIVE, *complains_of))]
        assert not unexpected, unexpected

    async def sign_in(self, context: BrowserContext, account: Account) -> str:
        """Open a session at the API, and give the browser its cookie; return the token."""
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{self.ends.api_url}/v1/session", auth=(account.account_id, account.api_key))
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["token"]
        port = urlsplit(self.url).port
        await context.add_cookies([{"name": f"stopline-session-{port}", "value": token, "url": self.url}])
        return token


async def assert_heading(page: Page, text: str) -> None:
    """Wait until the page with this heading is shown: the address may be there before the page is."""
    await expect(page.get_by_role("heading", level=1)).to_have_text(text)


async def assert_accessible(page: Page) -> None:
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


async def assert_fits(page: Page) -> None:
    """Assert that nothing of the page has to be scrolled sideways."""
    width, window = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= window, f"{width} > {window}"
