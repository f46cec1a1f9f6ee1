"""The parent's end of the watcher's pipe: one watcher for each process that starts others."""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from harness.processes import watcher

_GOODBYE_SECONDS = 5


class Guardian:
    """A list, kept in another process, of everything that must not outlive this process."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        # A session of its own, so that Ctrl-C in the terminal does not end it together with the parent.
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", watcher.__file__],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
        atexit.register(self._close)

    @property
    def pipe(self) -> int:
        """The file descriptor that a child writes its own `group` line to."""
        assert self._watcher.stdin is not None  # noqa: S101 (stdin is a pipe, see above)
        return self._watcher.stdin.fileno()

    def forget_group(self, group: int) -> None:
        self._write(f"forget group {group}")

    def remove_folder(self, folder: Path) -> None:
        """Have a folder removed if this process dies before it says `forget_folder`."""
        self._write(f"folder {folder}")

    def forget_folder(self, folder: Path) -> None:
        self._write(f"forget folder {folder}")

    def run_command(self, argv: Sequence[str]) -> None:
        """Have a command run if this process dies before it says `forget_command`."""
        self._write(f"command {json.dumps(list(argv))}")

    def forget_command(self, argv: Sequence[str]) -> None:
        self._write(f"forget command {json.dumps(list(argv))}")

    def _write(self, line: str) -> None:
        # One write, shorter than PIPE_BUF: lines of several writers never mix.
        os.write(self.pipe, f"{line}\n".encode())

    def _close(self) -> None:
        if os.getpid() != self._pid or self._watcher.stdin is None:
            return
        with suppress(OSError, subprocess.TimeoutExpired):
            self._watcher.stdin.close()
            self._watcher.wait(_GOODBYE_SECONDS)


@lru_cache(maxsize=1)
def guardian() -> Guardian:
    """Return this process's guardian, started at the first call."""
    return Guardian()
