"""The health of the services, asked of each where monitoring asks it: once in a while, whoever looks."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp

from services.dashboard.limits import HEALTH_CHARACTERS, HEALTH_SECONDS


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """The health of a service; without a problem it can do its work."""

    name: str
    problem: str | None = None


class WatchedServices:
    """The services whose health is shown; they are asked together, and not again before a while has passed."""

    def __init__(self, urls: Mapping[str, str], seconds: Callable[[], float] = time.monotonic) -> None:
        self._urls = urls
        self._seconds = seconds
        self._asked_at = 0.0
        self._answers: asyncio.Future[list[ServiceHealth]] | None = None
        self._http: aiohttp.ClientSession | None = None

    async def look(self) -> list[ServiceHealth]:
        """Return the health of each, a few seconds old."""
        now = self._seconds()
        if self._answers is None or (self._answers.done() and now - self._asked_at > HEALTH_SECONDS):
            self._asked_at = now
            self._answers = asyncio.ensure_future(self._ask_all())
        return await asyncio.shield(self._answers)

    async def _ask_all(self) -> list[ServiceHealth]:
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HEALTH_SECONDS))
        asked = (self._ask(self._http, name, url) for name, url in self._urls.items())
        return list(await asyncio.gather(*asked))

    async def _ask(self, http: aiohttp.ClientSession, name: str, url: str) -> ServiceHealth:
        try:
            async with http.get(f"{url}/health/ready", allow_redirects=False) as answer:
                if answer.ok:
                    return ServiceHealth(name)
                text = (await answer.content.read(HEALTH_CHARACTERS)).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return ServiceHealth(name, "it does not answer")
        return ServiceHealth(name, " ".join(text.removeprefix("not ready: ").split()))

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
