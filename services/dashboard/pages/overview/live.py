"""The overview as it changes: the API's live figures, drawn on the server, as server-sent events."""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import htpy as h

from services.dashboard import metrics
from services.dashboard.api import ApiUnavailableError, Parameters, RefusedByApiError, SignedOutError
from services.dashboard.limits import (
    LIVE_DRAWN_A_SECOND,
    LIVE_PAUSE_SECONDS,
    LIVE_REFUSED_SECONDS,
    LIVE_RETRY_SECONDS,
    TICK_SECONDS,
)
from services.dashboard.pages.overview import parts
from services.dashboard.pages.overview.problems import problems, refused
from services.dashboard.runtime import Runtime
from services.dashboard.ticks import newest_with_ticks
from services.dashboard.visit import PageVisit

log = logging.getLogger(__name__)

NEWEST: Parameters = {"order": "newest", "limit": 8}
_STEP_SECONDS = 10
_STEPS = 90
_KINDS = ("received", "opted_out", "sent", "dropped")


class LivePage:
    """One browser's stream; what has not changed is not sent again."""

    def __init__(self, visit: PageVisit, runtime: Runtime, seen: str = "") -> None:
        self._api = visit.api
        self._account_id = visit.user.account_id
        self._runtime = runtime
        self._shown = {"opt-outs": seen}
        self._live: Mapping[str, Any] | None = None
        self._statistics: tuple[float, Mapping[str, Any]] | None = None
        self._replies = -1

    async def events(self) -> AsyncIterator[str]:
        """Give the events until the session has ended, the process stops, or the browser goes."""
        live_pages = self._runtime.live_pages
        try:
            with live_pages.counted(self._account_id):
                metrics.LIVE.set(live_pages.count)
                async for event in self._until_stopped():
                    yield event
        except SignedOutError:
            return
        finally:
            metrics.LIVE.set(live_pages.count)

    async def _until_stopped(self) -> AsyncIterator[str]:
        while not self._runtime.stopping.is_set():
            try:
                async for drawn in self._followed():
                    for event in self._new(drawn):
                        yield event
                    await self._pause(max(LIVE_PAUSE_SECONDS, self._runtime.live_pages.count / LIVE_DRAWN_A_SECOND))
            except (ApiUnavailableError, RefusedByApiError) as error:
                log.warning("a live page waits: %s", error)
                for event in self._new(await self._interrupted(error)):
                    yield event
                await self._pause(LIVE_REFUSED_SECONDS if _is_refusal(error) else LIVE_RETRY_SECONDS)

    async def _followed(self) -> AsyncIterator[dict[str, h.Renderable]]:
        """Give what is to be shown, while the API's stream lasts; it ends after some minutes."""
        stopping = self._runtime.stopping
        async for live in newest_with_ticks(self._api.events("/v1/live"), stopping, TICK_SECONDS):
            yield await (self._state() if live is None else self._all(live))
        await self._pause(LIVE_PAUSE_SECONDS)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._runtime.stopping.wait(), seconds)

    async def _interrupted(self, error: ApiUnavailableError | RefusedByApiError) -> dict[str, h.Renderable]:
        health = await self._runtime.health.look()
        found = [refused(str(error))] if _is_refusal(error) else problems(health, None)
        return {"state": parts.state(found, health, None)}

    async def _all(self, live: Mapping[str, Any]) -> dict[str, h.Renderable]:
        self._live = live
        drawn = {"figures": parts.flow_figures(live), "charts": parts.flow_charts(live), **await self._state()}
        replies = sum(live["received"]) + sum(live["opted_out"])
        if replies != self._replies:
            newest = await self._api.get("/v1/opt-outs", NEWEST)
            drawn["opt-outs"] = parts.newest_opt_outs(newest["opt_outs"])
            self._replies = replies
        return drawn

    async def _state(self) -> dict[str, h.Renderable]:
        health, statistics = await asyncio.gather(self._runtime.health.look(), self._known_statistics())
        is_catching_up = self._live is not None and self._live["is_catching_up"]
        return {"state": parts.state(problems(health, statistics, is_catching_up=is_catching_up), health, statistics)}

    async def _known_statistics(self) -> Mapping[str, Any]:
        """Return the figures, some seconds old at most; asking for them also shows whether the session has ended."""
        now = time.monotonic()
        if self._statistics is None or now - self._statistics[0] >= TICK_SECONDS:
            self._statistics = now, await self._api.get("/v1/statistics")
        return self._statistics[1]

    def _new(self, drawn: Mapping[str, h.Renderable]) -> list[str]:
        """Return an event for each part that differs from what the browser has."""
        events = []
        for name, part in drawn.items():
            text = str(part)
            if self._shown.get(name) != digest(text):
                self._shown[name] = digest(text)
                events.append(_event(name, text))
        return events


def _is_refusal(error: ApiUnavailableError | RefusedByApiError) -> bool:
    """Return whether the API answers, and says no; where its own servers do not answer, it may soon say yes."""
    return isinstance(error, RefusedByApiError) and error.code != "unavailable"


def digest(text: str) -> str:
    """Return a few characters by which a part is known that the browser has already: what did not change stays."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _event(name: str, text: str) -> str:
    data = "\n".join(f"data: {line}" for line in text.splitlines())
    return f"event: {name}\n{data}\n\n"


def nothing_yet(now_seconds: float) -> dict[str, Any]:
    """Return figures in which nothing has happened, for the page before its first event."""
    last = int(now_seconds) // _STEP_SECONDS
    times = [step * _STEP_SECONDS for step in range(last - _STEPS + 1, last + 1)]
    return {"is_catching_up": False, "times": times, **{kind: [0] * _STEPS for kind in _KINDS}}
