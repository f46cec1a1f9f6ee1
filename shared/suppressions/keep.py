"""Keeps the snapshot on disk: when it is written, and that a bad one goes away."""

import asyncio
import ctypes
import logging
import sys
from pathlib import Path

from shared.suppressions.metrics import CacheMetrics
from shared.suppressions.snapshot import Origin, Snapshot, read_snapshot, write_snapshot
from shared.suppressions.state import CacheState

log = logging.getLogger(__name__)

SNAPSHOT_FILE = "suppressions.snapshot"
_WRITE_SECONDS = 60.0


class SnapshotKeeper:
    """A keeper of one snapshot file.

    Args:
        folder: has the file, and while it is written its successor.
        seconds: how often it is written.
        now: of a monotonic clock.
        metrics: of the cache.
    """

    def __init__(self, folder: Path, seconds: float, now: float, metrics: CacheMetrics) -> None:
        self._path = folder / SNAPSHOT_FILE
        self._seconds = seconds
        self._metrics = metrics
        self._written_at = now
        self._kept_to: list[int] = []
        self._writing: asyncio.Task[None] | None = None

    async def read(self, origin: Origin) -> Snapshot | None:
        """Return the snapshot of this topic, if there is one that can be used."""
        return await asyncio.to_thread(read_snapshot, self._path, origin)

    def forget(self) -> None:
        """Remove the file: what it holds is not true."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.critical("remove %s by hand, it is wrong: %s", self._path, error)

    def is_due(self, now: float) -> bool:
        return now - self._written_at >= self._seconds and (self._writing is None or self._writing.done())

    async def write(self, state: CacheState, now: float) -> None:
        """Begin to write what is known now, if that is more than last time; it goes on while the state changes."""
        self._written_at = now
        if state.read_to != self._kept_to:
            snapshot = await asyncio.to_thread(state.snapshot)
            self._writing = asyncio.create_task(self._write(snapshot))

    async def write_last(self, state: CacheState, now: float) -> None:
        """Write at a graceful stop, and wait until it is done."""
        if self._writing is not None:
            await self._writing
        await self.write(state, now)
        if self._writing is not None:
            await self._writing

    async def _write(self, snapshot: Snapshot) -> None:
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                await asyncio.to_thread(write_snapshot, self._path, snapshot)
        except (OSError, ValueError, TimeoutError) as error:
            self._metrics.snapshots_failed.inc()
            log.error("no snapshot, a restart has to read more of the topic: %s", error)  # noqa: TRY400 (no bug)
        else:
            await asyncio.to_thread(give_back)
            self._kept_to = snapshot.read_to
            self._metrics.snapshots_written.inc()


def give_back() -> None:
    """Give the holes that large arrays leave in the heap back to the system, where the C library can (glibc)."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
