"""A stack for one test run, which ends with it: also when the run is killed, and with several xdist workers.

The process that owns the run holds a named pipe open. A keeper process starts the stack, waits until nobody holds the
pipe any more, and removes the stack.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from stopline_pytest.addresses import Addresses
from stopline_pytest.errors import StoplineError

ADDRESSES, FAILED, HOME, LOG, PIPE, START_LOCK, KEEPER_LOCK = (
    "addresses.json", "failed.txt", "home", "keeper.log", "lifeline", "start.lock", "keeper.lock",
)  # fmt: skip
_LOOK_SECONDS = 0.05
_STOP_SECONDS = 90.0


class Lifeline:
    """The folder of a run's stack, and the open pipe that keeps the stack running. Call `release` at the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="stopline-pytest-"))
        self.folder.chmod(0o711)  # as root, Postgres runs as another user and must reach its own folder in this one
        os.mkfifo(self.folder / PIPE, 0o600)
        self._held: int | None = os.open(self.folder / PIPE, os.O_RDWR | os.O_NONBLOCK)

    def release(self) -> None:
        """Let the keeper end the stack, wait for that, and remove the folder."""
        if self._held is None:
            return
        os.close(self._held)
        self._held = None
        deadline = time.monotonic() + _STOP_SECONDS
        while _is_kept(self.folder) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        if not _is_kept(self.folder):  # else the keeper removes it, when the stack has ended
            shutil.rmtree(self.folder, ignore_errors=True)


def stack_of(folder: Path, command: Sequence[str], start_seconds: float) -> Addresses:
    """Return the addresses of the run's stack; the first process that asks starts it, and others wait meanwhile.

    Raises:
        StoplineError: it could not be started, by whichever process.
    """
    with _locked(folder / START_LOCK):
        if not (folder / ADDRESSES).exists() and not (folder / FAILED).exists():
            _start_keeper(folder, command, start_seconds)
    if (folder / ADDRESSES).exists():
        return Addresses.read(folder / ADDRESSES)
    raise StoplineError((folder / FAILED).read_text(encoding="utf-8"))


def _start_keeper(folder: Path, command: Sequence[str], start_seconds: float) -> None:
    with (folder / LOG).open("wb") as log:
        subprocess.run(  # noqa: S603 (this Python, this package)
            [sys.executable, "-m", "stopline_pytest.keeper", str(folder), f"{start_seconds:g}", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        )
    while not (folder / ADDRESSES).exists() and not (folder / FAILED).exists():
        if not _is_kept(folder) and not (folder / ADDRESSES).exists() and not (folder / FAILED).exists():
            raise StoplineError(f"the stack's keeper ended:\n{(folder / LOG).read_text(errors='replace')}")
        time.sleep(_LOOK_SECONDS)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_kept(folder: Path) -> bool:
    with suppress(FileNotFoundError), (folder / KEEPER_LOCK).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
