"""The dashboard as somebody sees it who is signed in: a real Chromium, the real stack, no answer made up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

from harness.account import Account
from harness.stack.endpoints import Endpoints

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 375, "height": 760}
_LIVE = "htmx:sseError"  # the stream of a page that is left


@dataclass(frozen=True)
class Site:
    """The dashboard of the stack, and a browser to look at it."""

    browser: Browser
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
        **options: Any,
    ) -> AsyncIterator[Page]:
        """Open a page, signed in; afterwards assert that the browser has complained about nothing.

        Args:
            path: of the page.
            account: that is signed in; None: nobody is.
            size: of the window.
            complains_of: parts of what the browser may say, such as "404".
            options: of the browser's context, such as `color_scheme`.
        """
        said: list[str] = []
        context = await self.browser.new_context(viewport=size, **options)  # type: ignore[arg-type]
        try:
            if account is not None:
                await self.sign_in(context, account)
            page = await context.new_page()
            page.on("console", lambda line: said.extend(_complaint(line)))
            page.on("pageerror", lambda error: said.append(str(error)))
            await page.goto(f"{self.url}{path}")
            yield page
        finally:
            await context.close()
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


def _complaint(line: ConsoleMessage) -> list[str]:
    return [line.text] if line.type in ("error", "warning") else []


async def assert_accessible(page: Page) -> None:
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


async def assert_fits(page: Page) -> None:
    """Assert that nothing of the page has to be scrolled sideways."""
    width, window = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= window, f"{width} > {window}"
