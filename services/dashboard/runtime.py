"""The running dashboard: its connections to the API, and what it remembers for a short while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from fastapi import Depends

from services.dashboard import limits
from services.dashboard.api import ApiServer
from services.dashboard.at_once import AtOnce
from services.dashboard.attempts import SignInAttempts
from services.dashboard.health import WatchedServices
from services.dashboard.session import SessionCookie
from services.dashboard.settings import DashboardSettings
from services.dashboard.users import KnownUsers
from shared.http import runtime_of


@dataclass(frozen=True, slots=True)
class Runtime:
    """The running parts of the process."""

    settings: DashboardSettings
    api: ApiServer
    session_cookie: SessionCookie
    sign_in_cookie: SessionCookie
    health: WatchedServices
    stopping: asyncio.Event
    users: KnownUsers = field(default_factory=KnownUsers)
    attempts: SignInAttempts = field(default_factory=SignInAttempts)
    live_pages: AtOnce = field(
        default_factory=lambda: AtOnce(limits.LIVE_AT_ONCE, limits.LIVE_AT_ONCE_OF_ACCOUNT, "live pages")
    )
    downloads: AtOnce = field(
        default_factory=lambda: AtOnce(limits.FILES_AT_ONCE, limits.FILES_AT_ONCE_OF_ACCOUNT, "downloads")
    )
    uploads: AtOnce = field(
        default_factory=lambda: AtOnce(limits.UPLOADS_AT_ONCE, limits.UPLOADS_AT_ONCE_OF_ACCOUNT, "uploads")
    )

    async def problems(self) -> list[str]:
        """Return why no page could be shown now."""
        return [] if await self.api.is_live() else [f"the API does not answer at {self.settings.api_url}"]


DashboardRuntime: TypeAlias = Annotated[Runtime, Depends(runtime_of)]
"""The running parts, as a parameter of a route."""


@asynccontextmanager
async def running(settings: DashboardSettings, stopping: asyncio.Event) -> AsyncIterator[Runtime]:
    """Run until the `with` block ends; it starts without the API, too, and is not ready meanwhile."""
    token = None if settings.dashboard_token is None else settings.dashboard_token.get_secret_value()
    api = ApiServer(settings.api_url, settings.api_ca_file, token)
    health = WatchedServices(settings.watched)
    try:
        session, before = (SessionCookie(purpose, settings.is_https) for purpose in ("session", "sign-in"))
        yield Runtime(settings, api, session, before, health, stopping)
    finally:
        await health.close()
        await api.close()
