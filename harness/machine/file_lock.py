"""Locks between processes: files that a crash unlocks."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from harness.machine.user_folders import make_folder

_POLL_SECONDS = 0.1


def try_lock(path: Path) -> int | None:
    """Lock the file at `path`, which is made where it is missing; return None where another process holds the lock.

    The lock is held until `os.close` of the descriptor returned, or until this process ends.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


class FileLock:
    """A lock that waits for its turn; `on_wait` is called once if another process holds it."""

    def __init__(self, path: Path, on_wait: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._on_wait = on_wait
        self._descriptor: int | None = None

    async def __aenter__(self) -> None:
        make_folder(self._path.parent)
        self._descriptor = try_lock(self._path)
        if self._descriptor is None:
            self._on_wait()
        while self._descriptor is None:
            await asyncio.sleep(_POLL_SECONDS)
            self._descriptor = try_lock(self._path)

    async def __aexit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
