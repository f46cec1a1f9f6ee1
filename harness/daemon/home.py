"""The folder of a background stack: address book, log, control socket, data."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness.daemon.address_book import AddressBook
from harness.machine.private_file import read_private
from harness.machine.user_folders import default_home, make_folder
from harness.processes import HarnessError

_MAX_SOCKET_PATH_BYTES = 100


@dataclass(frozen=True)
class StackHome:
    """The folder of one background stack: `STOPLINE_HOME`, else one per clone in the usual place for a user's data."""

    path: Path

    @classmethod
    def default(cls) -> "StackHome":
        chosen = os.environ.get("STOPLINE_HOME")
        return cls(Path(chosen).absolute() if chosen else default_home())

    def create(self) -> None:
        """Make the folder, and the folder of the control socket.

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
        """The socket is in the folder, or among the temporary files where its path would be too long for a socket."""
        usual = self.path / "control.sock"
        if len(os.fsencode(usual)) <= _MAX_SOCKET_PATH_BYTES:
            return usual
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path("/tmp", f"stopline-{os.geteuid()}-{digest}", "control.sock")  # noqa: S108 (private, see `create`)

    @property
    def credentials(self) -> Path:
        """The credentials of the demo account, kept as long as the data are."""
        return self.data / "demo-account.json"

    @property
    def identity(self) -> Path:
        """The clone and the version that the data belong to."""
        return self.data / "identity.json"

    @property
    def ports(self) -> Path:
        """The ports of the last start, which the next start uses again."""
        return self.path / "ports.json"

    @property
    def address_book(self) -> Path:
        return self.path / "stack.json"

    def read_address_book(self) -> AddressBook | None:
        """Return the address book of the running stack; None where none runs.

        Raises:
            HarnessError: the stack was started by another version.
        """
        written = self.written_address_book()
        return AddressBook.parse(written) if is_daemon(written.get("pid")) else None

    def running_pid(self) -> int | None:
        """Return the process that owns the running stack, whichever version started it; None where none runs."""
        pid = self.written_address_book().get("pid")
        return pid if is_daemon(pid) else None

    @property
    def ended_unasked(self) -> bool:
        """Whether a stack ran here and ended without `stopline down`: it was killed, or the machine was."""
        written = self.written_address_book()
        return "pid" in written and not is_daemon(written["pid"])

    def written_address_book(self) -> dict[str, Any]:
        """Return the address book as any version, and any clone, wrote it; empty where there is none."""
        return read_private(self.address_book)


def is_daemon(pid: object) -> bool:
    """Return whether the process is a background stack: after a restart of the machine it may be any other."""
    if not isinstance(pid, int):
        return False
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "harness.daemon" in process.cmdline()
    except psutil.Error:
        return False


def _make_private(folder: Path) -> None:
    """Make a folder of our own in a folder that everybody can write to.

    Raises:
        HarnessError: somebody else has made one of that name.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise HarnessError(f"{folder} belongs to somebody else: choose a shorter STOPLINE_HOME")
