"""The feed to browsers: what has changed since a browser's last event, whole, and never more than one of each."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.phones.limits import HEARTBEAT_SECONDS, MAX_STREAMS, SEND_PAUSE_SECONDS


class TooManyStreamsError(Exception):
    """The limit of browsers that follow at one time is reached."""


class Follower:
    """A browser that follows: the names of what it has not been sent yet, in the order in which it changed.

    A slow browser holds up nobody and fills no memory: what changes twice is sent once.
    """

    def __init__(self, names: list[str]) -> None:
        self._stale = dict.fromkeys(names)
        self._wake = asyncio.Event()
        self._wake.set()

    def changed(self, name: str) -> None:
        self._stale[name] = None
        self._wake.set()

    async def stale(self) -> list[str]:
        """Return what has changed, after waiting for it; an empty list now and then where nothing does."""
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return []
        self._wake.clear()
        names, self._stale = list(self._stale), {}
        return names


class Feed:
    """All browsers that follow. `render` returns a part of the page by its name, `names` are all parts."""

    def __init__(self, render: Callable[[str], Any], names: Callable[[], list[str]]) -> None:
        self._render = render
        self._names = names
        self._followers: set[Follower] = set()

    def changed(self, name: str) -> None:
        for follower in self._followers:
            follower.changed(name)

    @contextmanager
    def one_more(self) -> Iterator[Follower]:
        """Count a browser as following inside the `with` block.

        Raises:
            TooManyStreamsError: the limit is reached.
        """
        if len(self._followers) >= MAX_STREAMS:
            raise TooManyStreamsError(f"{MAX_STREAMS} tabs follow this page already: close one, then reload")
        follower = Follower(self._names())
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    async def events(self, follower: Follower) -> AsyncIterator[dict[str, Any]]:
        """Yield the parts that changed, by name: at first all of them, and an empty one as a sign of life."""
        while True:
            yield {name: self._render(name) for name in await follower.stale()}
            await asyncio.sleep(SEND_PAUSE_SECONDS)
