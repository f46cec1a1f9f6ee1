"""The folder of one stack: its data and logs."""

import os
from pathlib import Path

from harness.machine.file_lock import try_lock
from harness.machine.temporary_folder import LOGS, make_temporary_folder, remove_temporary_folder
from harness.machine.user_folders import make_folder
from harness.processes import HarnessError


class DataFolder:
    """The folder of one stack, used by one stack at a time: the folder `given`, which is kept, or a temporary one."""

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
        """Make the folder, and rename the logs of the last run.

        Raises:
            HarnessError: another stack uses it.
        """
        if self._given is None:
            self._path = make_temporary_folder()
            self.logs.mkdir()
            return
        make_folder(self._given)
        self._lock = try_lock(self._given / ".lock")
        if self._lock is None:
            raise HarnessError(f"another stack is running in {self._given}: stop it, or take another folder")
        self._path = self._given
        self.logs.mkdir(exist_ok=True)
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def close(self, *, keep_logs: bool) -> None:
        """Remove a temporary folder; unlock one that is kept."""
        if self._path is None:
            return
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if not self.kept:
            remove_temporary_folder(self._path, keep_logs=keep_logs)
        self._path = None
