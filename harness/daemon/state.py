"""What a background stack leaves in its folder: its address book, its log, its control socket."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.stack.folders import default_data_folder
from shared.errors import MisconfiguredError

_MAX_SOCKET_PATH_BYTES = 100


@dataclass(frozen=True)
class Home:
    """The folder of one background stack: `STOPLINE_HOME`, else the usual place for the user's data."""

    path: Path

    @classmethod
    def default(cls) -> "Home":
        chosen = os.environ.get("STOPLINE_HOME")
        return cls(Path(chosen).absolute() if chosen else default_data_folder())

    def create(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o711)
        if len(os.fsencode(self.control_socket)) > _MAX_SOCKET_PATH_BYTES:
            raise MisconfiguredError(
                f"STOPLINE_HOME: {self.path} is too long for a socket's path; choose a shorter one"
            )

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def log(self) -> Path:
        return self.path / "stack.log"

    @property
    def control_socket(self) -> Path:
        return self.path / "control.sock"

    @property
    def credentials(self) -> Path:
        """The demo account's, kept as long as the data are."""
        return self.data / "demo-account.json"

    @property
    def address_book(self) -> Path:
        return self.path / "stack.json"

    def read_address_book(self) -> dict[str, Any] | None:
        """Return endpoints and credentials of the running stack; None where none runs."""
        try:
            book = json.loads(self.address_book.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return book if isinstance(book, dict) and is_running(book["pid"]) else None


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that only this user can read, whole or not at all."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
    new.replace(path)


def is_running(pid: int) -> bool:
    """Say whether the process is there and no zombie."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
