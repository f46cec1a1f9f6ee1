"""The live overview: of however many events, the API is asked for the figures every few seconds only."""

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request

from services.dashboard.api import SessionApi
from services.dashboard.at_once import AtOnce
from services.dashboard.health import WatchedServices
from services.dashboard.pages.overview.live import LivePage, nothing_yet
from services.dashboard.pages.overview.parts import rates
from services.dashboard.runtime import Runtime
from services.dashboard.users import SignedInUser
from services.dashboard.visit import PageVisit

EVENTS = 50
FIGURES = {"partitions": [], "effect": {"p99_ms": None}, "held": 0}


class BusyAccount:
    """The API of an account in which much happens: it counts what it is asked for."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self.asked: list[str] = []
        self.taken = asyncio.Event()
        self._stopping = stopping

    async def events(self, _: str) -> AsyncGenerator[dict[str, Any], None]:
        for number in range(EVENTS):
            self.taken.clear()
            live = nothing_yet(0)
            live["received"][-1] = number + 1
            yield live
            await self.taken.wait()
        self._stopping.set()

    async def get(self, path: str, _: Any = None) -> dict[str, Any]:
        self.asked.append(path)
        return FIGURES if path == "/v1/statistics" else {"opt_outs": []}


@pytest.fixture
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.dashboard.pages.overview.live.LIVE_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("services.dashboard.pages.overview.live.LIVE_DRAWN_A_SECOND", 1_000_000)


@pytest.mark.usefixtures("_without_pauses")
async def test_figures_that_take_long_to_count_are_not_asked_for_with_every_event() -> None:
    stopping = asyncio.Event()
    api = BusyAccount(stopping)
    visit = PageVisit(Request({"type": "http"}), cast("SessionApi", api), SignedInUser("a", "A", "ann", "read"), "", "")
    health = WatchedServices({})
    runtime = SimpleNamespace(stopping=stopping, live_pages=AtOnce(1, 1, ""), health=health)
    drawn = 0
    async with asyncio.timeout(20):
        async for event in LivePage(visit, cast("Runtime", runtime)).events():
            if event.startswith("event: figures"):
                drawn += 1
                api.taken.set()
    await health.close()
    assert drawn == EVENTS
    assert api.asked.count("/v1/statistics") < EVENTS / 10


def test_a_rate_is_of_all_who_were_on_the_list_and_never_over_a_hundred() -> None:
    cleaned_up = {"list_id": 1, "name": "Newsletter", "contacts": 1, "opted_out": 3, "gone": 3}
    shown = str(rates({"lists": [cleaned_up], "campaigns": [], "decisions": 3}))
    assert "75.00 %" in shown
