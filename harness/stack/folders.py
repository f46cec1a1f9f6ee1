"""Where the harness keeps what it downloads, and where a stack keeps its data."""

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.processes import HarnessError, guardian

LOGS = "logs"
CODE = Path(__file__).resolve().parents[2]
"""The clone (or the installation) that this code belongs to."""

_LOCK_POLL_SECONDS = 0.1
_NAME_LETTERS = 24


def is_root() -> bool:
    return os.geteuid() == 0


def cache_folder() -> Path:
    """Return the user's cache folder for what can be fetched or made again."""
    return _base("XDG_CACHE_HOME", ".cache") / "stopline"


def shared_cache_folder() -> Path:
    """Return the cache folder for what the user that Postgres runs as must get to, where that is not us."""
    return Path("/var/cache/stopline") if is_root() else cache_folder()


def data_folders() -> Path:
    """Return where kept stacks (`stopline up`) have their folders, one for each clone.

    Root's home is closed to the user that Postgres must run as when we are root, so root's stacks are kept in /var/lib.
    """
    return Path("/var/lib/stopline") if is_root() else _base("XDG_DATA_HOME", ".local/share") / "stopline"


def default_data_folder() -> Path:
    """Return where this clone's kept stack has its data."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", CODE.name)[:_NAME_LETTERS]
    return data_folders() / f"{readable}-{hashlib.sha256(os.fsencode(CODE)).hexdigest()[:8]}"


def _base(variable: str, below_home: str) -> Path:
    """Return the folder that `variable` names, else one in the user's home, else one in the clone.

    A user may have no home, or one that cannot be written to (a service account, a container).
    """
    chosen = os.environ.get(variable, "")
    if Path(chosen).is_absolute():  # others are to be ignored (XDG Base Directory Specification)
        return Path(chosen)
    home = user_home()
    return home / below_home if home is not None else CODE / ".stopline" / below_home


def user_home() -> Path | None:
    """Return the user's home; None where there is none, or where it cannot be written to."""
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and no entry in the list of users
        return None
    return home if home.is_absolute() and is_writable(home) else None


def is_writable(folder: Path) -> bool:
    """Say whether `folder` exists and files can be made in it."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def make_folder(folder: Path, mode: int = 0o711) -> None:
    """Make `folder` and what is missing above it with exactly this mode, whatever the umask.

    Raises:
        HarnessError: it cannot be made; the line names it.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in missing:
            each.chmod(mode)
    except OSError as error:
        raise HarnessError(
            f"cannot make {folder} ({error.strerror}): set STOPLINE_HOME (data) or XDG_CACHE_HOME (downloads) to a"
            " folder that you can write to"
        ) from None


class FileLock:
    """A lock between processes that a crash releases; `on_wait` is called once where somebody else holds it."""

    def __init__(self, path: Path, on_wait: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._on_wait = on_wait
        self._file: int | None = None

    async def __aenter__(self) -> None:
        make_folder(self._path.parent)
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
    folder = Path(tempfile.mkdtemp(prefix="stopline-", dir=_temporary_base()))
    guardian().remove_folder(folder)
    folder.chmod(0o711)  # Postgres, as another user where we are root, has to get through to its part
    return folder


def _temporary_base() -> Path | None:
    """Return where temporary folders go: None (the usual place), or one that Postgres gets to where we are root."""
    usual = Path(tempfile.gettempdir())
    if not is_root() or _is_open(usual):
        return None
    return next((each for each in map(Path, ("/tmp", "/var/tmp")) if is_writable(each) and _is_open(each)), None)  # noqa: S108 (a name of our own is made in it)


def _is_open(folder: Path) -> bool:
    real = folder.resolve()
    return all(each.stat().st_mode & stat.S_IXOTH for each in (real, *real.parents))


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
        make_folder(self._given)
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
