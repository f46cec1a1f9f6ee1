"""What a background stack leaves in its folder: its address book, its log, its control socket."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness.machine.user_folders import default_home, make_folder
from harness.processes import HarnessError

_MAX_SOCKET_PATH_BYTES = 100


@dataclass(frozen=True)
class StackHome:
    """The folder of one background stack: `STOPLINE_HOME`, else the usual place for the user's data."""

    path: Path

    @classmethod
    def default(cls) -> "StackHome":
        chosen = os.environ.get("STOPLINE_HOME")
        return cls(Path(chosen).absolute() if chosen else default_home())

    def create(self) -> None:
        """Make the folder, and the one of the control socket.

        Raises:
            HarnessError: it cannot be made.
        """
        make_folder(self.path)
        if self.control_socket.parent != self.path:
            _make_private(self.control_socket.parent)

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def log(self) -> Path:
        return self.path / "stack.log"

    @property
    def control_socket(self) -> Path:
        """In the folder, or, where its path is too long for a socket's, in the folder of temporary files."""
        usual = self.path / "control.sock"
        if len(os.fsencode(usual)) <= _MAX_SOCKET_PATH_BYTES:
            return usual
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path("/tmp", f"stopline-{os.geteuid()}-{digest}", "control.sock")  # noqa: S108 (private, see `create`)

    @property
    def credentials(self) -> Path:
        """The demo account's, kept as long as the data are."""
        return self.data / "demo-account.json"

    @property
    def identity(self) -> Path:
        """Which clone and version the data are of."""
        return self.data / "identity.json"

    @property
    def ports(self) -> Path:
        """The ports that were taken at the last start, to be taken again."""
        return self.path / "ports.json"

    @property
    def address_book(self) -> Path:
        return self.path / "stack.json"

    def read_address_book(self) -> dict[str, Any] | None:
        """Return endpoints and credentials of the running stack; None where none runs."""
        book = self._written_book()
        return book if book is not None and is_daemon(book["pid"]) else None

    @property
    def ended_unasked(self) -> bool:
        """Whether a stack ran here that nobody stopped: killed, or the machine went down."""
        book = self._written_book()
        return book is not None and not is_daemon(book["pid"])

    def _written_book(self) -> dict[str, Any] | None:
        try:
            book = json.loads(self.address_book.read_text())
        except (FileNotFoundError, NotADirectoryError, PermissionError, ValueError):
            return None
        return book if isinstance(book, dict) and isinstance(book.get("pid"), int) else None


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that only this user can read, whole or not at all."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
    new.replace(path)


def is_daemon(pid: int) -> bool:
    """Say whether the process runs and is a background stack: after a restart of the machine it may be any other."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "harness.daemon" in process.cmdline()
    except psutil.Error:
        return False


def _make_private(folder: Path) -> None:
    """Make a folder of our own in one that everybody writes to.

    Raises:
        HarnessError: somebody else has made one of that name.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise HarnessError(f"{folder} belongs to somebody else: choose a shorter STOPLINE_HOME")
