"""The overview as it changes: the API's live figures, drawn on the server, as server-sent events."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

import htpy as h

from services.dashboard import metrics
from services.dashboard.api import ApiUnavailableError, Parameters, RefusedByApiError, SessionApi, SignedOutError
from services.dashboard.health import WatchedServices
from services.dashboard.limits import LIVE_RETRY_SECONDS, TICK_SECONDS
from services.dashboard.pages.overview import parts
from services.dashboard.pages.overview.problems import problems
from services.dashboard.ticks import with_ticks

log = logging.getLogger(__name__)

NEWEST: Parameters = {"order": "newest", "limit": 8}
_STEP_SECONDS = 10
_STEPS = 90
_KINDS = ("received", "opted_out", "sent", "dropped")


class LivePage:
    """One browser's stream; what has not changed is not sent again."""

    open_count: ClassVar[int] = 0

    def __init__(self, api: SessionApi, health: WatchedServices, stopping: asyncio.Event, seen: str = "") -> None:
        self._api = api
        self._health = health
        self._stopping = stopping
        self._shown = {"opt-outs": seen}
        self._live: Mapping[str, Any] | None = None
        self._replies = -1

    async def events(self) -> AsyncIterator[str]:
        """Give the events until the session has ended, the process stops, or the browser goes."""
        LivePage.open_count += 1
        metrics.LIVE.set(LivePage.open_count)
        try:
            async for event in self._until_stopped():
                yield event
        finally:
            LivePage.open_count -= 1
            metrics.LIVE.set(LivePage.open_count)

    async def _until_stopped(self) -> AsyncIterator[str]:
        while not self._stopping.is_set():
            try:
                async for live in with_ticks(self._api.events("/v1/live"), self._stopping, TICK_SECONDS):
                    drawn = await (self._state() if live is None else self._all(live))
                    for event in self._new(drawn):
                        yield event
            except SignedOutError:
                return
            except (ApiUnavailableError, RefusedByApiError) as error:
                log.warning("a live page waits: %s", error)
                health = await self._health.look()
                for event in self._new({"state": parts.state(problems(health, None), health, None)}):
                    yield event
                await asyncio.sleep(LIVE_RETRY_SECONDS)

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
        health, statistics = await asyncio.gather(self._health.look(), self._api.get("/v1/statistics"))
        is_catching_up = self._live is not None and self._live["is_catching_up"]
        return {"state": parts.state(problems(health, statistics, is_catching_up=is_catching_up), health, statistics)}

    def _new(self, drawn: Mapping[str, h.Renderable]) -> list[str]:
        """Return an event for each part that differs from what the browser has."""
        events = []
        for name, part in drawn.items():
            text = str(part)
            if self._shown.get(name) != digest(text):
                self._shown[name] = digest(text)
                events.append(_event(name, text))
        return events


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
