"""Windows of the browser: one that is not in use is used again, since to open one takes as long as two visits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page

_NOWHERE = "about:blank"


class BrowserWindows:
    """The windows of a session of tests; each was opened with other options than the others, or is in use beside them.

    A window that is used again has no cookie and shows nothing; it keeps the files that browsers may keep.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: dict[str, list[Page]] = {}

    @asynccontextmanager
    async def window(
        self, size: dict[str, int], said: list[str], *, is_new: bool, options: dict[str, Any]
    ) -> AsyncIterator[Page]:
        """Lend a window; afterwards it is free for the next visit, but where a test has failed in it.

        Args:
            size: of the window.
            said: gets what the browser complains about.
            is_new: whether it has to be one that nobody has used, and nobody uses afterwards.
            options: of the browser's context, such as `color_scheme`.
        """
        idle = self._idle.setdefault(repr(sorted(options.items())), [])
        is_used_again = bool(idle) and not is_new
        page = idle.pop() if is_used_again else await (await self._browser.new_context(**options)).new_page()
        is_kept = False

        def of_console(line: ConsoleMessage) -> None:
            if line.type in ("error", "warning"):
                said.append(line.text)

        def of_script(error: object) -> None:
            said.append(str(error))

        try:
            await page.set_viewport_size(size)  # type: ignore[arg-type]
            page.on("console", of_console)
            page.on("pageerror", of_script)
            yield page
            is_kept = not is_new
        finally:
            page.remove_listener("console", of_console)
            page.remove_listener("pageerror", of_script)
            if is_kept:
                await page.goto(_NOWHERE)
                await page.context.clear_cookies()
                idle.append(page)
            else:
                await page.context.close()
