"""A bounded list of what happened, oldest first; a caller can wait until it has grown."""

import asyncio
from collections import deque
from itertools import islice
from typing import Generic, TypeVar

EntryT = TypeVar("EntryT")


class Journal(Generic[EntryT]):
    """A list of the last `limit` entries. Entries are numbered from 0; `total` includes the forgotten ones."""

    def __init__(self, limit: int) -> None:
        self._entries: deque[EntryT] = deque(maxlen=limit)
        self._grown: asyncio.Event | None = None
        self.total = 0
        self.waiting = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def forgotten(self) -> int:
        return self.total - len(self._entries)

    def add(self, entry: EntryT) -> None:
        self._entries.append(entry)
        self.total += 1
        if self._grown is not None:
            self._grown.set()
            self._grown = None

    def entries(self, after: int = 0, limit: int | None = None) -> list[EntryT]:
        """Return up to `limit` of the kept entries, from number `after` on."""
        start = max(0, after - self.forgotten)
        return list(islice(self._entries, start, None if limit is None else start + limit))

    def last(self) -> EntryT | None:
        return self._entries[-1] if self._entries else None

    def forget_if_oldest(self, entry: EntryT) -> None:
        if self._entries and self._entries[0] is entry:
            self._entries.popleft()

    def clear(self) -> None:
        self._entries.clear()
        self.total = 0

    async def wait(self, at_least: int, timeout_seconds: float) -> None:
        """Return when there have been `at_least` entries, or after the timeout."""
        self.waiting += 1
        try:
            async with asyncio.timeout(timeout_seconds):
                while self.total < at_least:
                    self._grown = self._grown or asyncio.Event()
                    await self._grown.wait()
        except TimeoutError:
            return
        finally:
            self.waiting -= 1
