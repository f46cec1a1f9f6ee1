"""Removes the files of a background stack from its folder, and nothing else."""

import shutil
from pathlib import Path

from harness.daemon.home import StackHome
from harness.daemon.lifecycle import stop
from harness.processes import HarnessError
from harness.stack.containers import remove_data

_OURS = (
    "kafka-*",
    "postgres",
    "postgres.partial",
    "postgres-passwords.json",
    "secrets.json",
    "*-cache",
    "logs",
    ".lock",
)
_MEGABYTE = 1_000_000


def what_is_there(home: StackHome) -> str:
    """Return one line on the data: the folder and the size; empty where there are none."""
    paths = _paths(home)
    megabytes = sum(_size(path) for path in paths) / _MEGABYTE
    return f"{home.data} ({megabytes:.0f} MB)" if paths else ""


def wipe(home: StackHome) -> None:
    """Stop the stack and remove its data, logs and remembered ports.

    Raises:
        HarnessError: something could not be removed.
    """
    stop()
    remove_data(home.data)
    for path in _paths(home):
        try:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        except OSError as error:
            raise HarnessError(f"cannot remove {path}: {error.strerror}") from None
    if home.data.is_dir() and not any(home.data.iterdir()):
        home.data.rmdir()


def _paths(home: StackHome) -> list[Path]:
    own = [home.address_book, home.ports, home.log, home.control_socket, home.credentials, home.identity]
    below = [path for pattern in _OURS for path in home.data.glob(pattern)]
    return [path for path in (*own, *below) if path.exists() or path.is_symlink()]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_blocks * 512 for file in files if not file.is_dir())
