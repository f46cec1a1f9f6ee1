"""Where the harness keeps what it downloads, and where a stack keeps its data."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.processes import HarnessError, guardian

LOGS = "logs"

_LOCK_POLL_SECONDS = 0.1


def is_root() -> bool:
    return os.geteuid() == 0


def cache_folder() -> Path:
    """Return the user's cache folder for what can be fetched or made again."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "stopline"


def shared_cache_folder() -> Path:
    """Return the cache folder for what the user that Postgres runs as must get to, where that is not us."""
    return Path("/var/cache/stopline") if is_root() else cache_folder()


def default_data_folder() -> Path:
    """Return where a kept stack (`stopline up`) has its data.

    Root's home is closed to the user that Postgres must run as when we are root, so root's stack is kept in /var/lib.
    """
    if is_root():
        return Path("/var/lib/stopline")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "stopline"


class FileLock:
    """A lock between processes that a crash releases; `on_wait` is called once where somebody else holds it."""

    def __init__(self, path: Path, on_wait: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._on_wait = on_wait
        self._file: int | None = None

    async def __aenter__(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if not self._taken():
            self._on_wait()
            while not self._taken():  # noqa: ASYNC110 (it is released by another process)
                await asyncio.sleep(_LOCK_POLL_SECONDS)

    async def __aexit__(self, *_: object) -> None:
        os.close(self._held())

    def _held(self) -> int:
        assert self._file is not None  # noqa: S101 (entered before)
        return self._file

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._held(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def make_temporary_folder() -> Path:
    """Return a new folder that is removed by `remove_temporary_folder`, or by the watcher if we die before."""
    folder = Path(tempfile.mkdtemp(prefix="stopline-"))
    guardian().remove_folder(folder)
    folder.chmod(0o711)  # Postgres, as another user where we are root, has to get through to its part
    return folder


def remove_temporary_folder(folder: Path, *, keep_logs: bool = False) -> None:
    """Remove the folder; after a failure, all but its logs, which the error names."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name == LOGS and keep_logs:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()
    if not keep_logs:
        shutil.rmtree(folder, ignore_errors=True)
    guardian().forget_folder(folder)


class StackFolder:
    """The folder of one stack: `given` and kept, or a temporary one. One stack at a time uses it."""

    def __init__(self, given: Path | None) -> None:
        self.kept = given is not None
        self._given = given
        self._path: Path | None = None
        self._lock: int | None = None

    @property
    def path(self) -> Path:
        if self._path is None:
            raise RuntimeError("the folder was not opened")
        return self._path

    @property
    def logs(self) -> Path:
        return self.path / LOGS

    def open(self) -> None:
        """Make it, and put the logs of the last run aside.

        Raises:
            HarnessError: another stack uses it.
        """
        if self._given is None:
            self._path = make_temporary_folder()
            self.logs.mkdir()
            return
        self._given.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._lock = os.open(self._given / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise HarnessError(f"another stack is running in {self._given}: stop it, or take another folder") from None
        self._path = self._given
        self.logs.mkdir(exist_ok=True)
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def close(self, *, keep_logs: bool) -> None:
        """Remove a temporary one, give a kept one free."""
        if self._path is None:
            return
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if not self.kept:
            remove_temporary_folder(self._path, keep_logs=keep_logs)
        self._path = None
