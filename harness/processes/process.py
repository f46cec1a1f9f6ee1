"""A child process that never outlives its parent."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.processes.errors import StartError
from harness.processes.guardian import guardian
from harness.processes.watcher import signal_tree

# The child reports its process group to the watcher before it becomes the program: there is no moment at which the
# parent could die and leave a child that nobody knows of. (Standard output is the watcher's pipe until then.)
_LAUNCH = 'echo "group $$"; exec "$@" >&2'
_POLL_SECONDS = 0.01
_KILL_SECONDS = 10.0
_TAIL_LINES = 20


@dataclass(frozen=True)
class User:
    """A user that a process runs as, other than our own."""

    name: str
    uid: int
    gid: int


class ManagedProcess:
    """A program in a session of its own, its output in a log file.

    Ctrl-C in the terminal does not reach it: its parent stops it. If the parent dies first, however it dies, the
    watcher kills the process and all its descendants.
    """

    def __init__(  # noqa: PLR0913 (each is a property of the process)
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: User | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._argv = [str(word) for word in argv]
        self._env = dict(os.environ if env is None else env)
        self._cwd = cwd
        self._user = user
        self._stop_signal = stop_signal
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start_bytes = 0

    @property
    def pid(self) -> int:
        """The process id, which is also the id of the group. Raises if it was never started."""
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs (or was never started); negative where a signal ended it."""
        if self._child is None:
            return None
        known = self._child.returncode is not None
        code = self._child.poll()
        if code is not None and not known:
            guardian().forget_group(self._child.pid)
        return code

    @property
    def alive(self) -> bool:
        return self._child is not None and self.returncode is None

    def start(self) -> None:
        """Start the program, again if it has ended."""
        if self.alive:
            raise RuntimeError(f"{self.name} is already running")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._log_start_bytes = log.tell()
            self._child = subprocess.Popen(
                ["/bin/sh", "-c", _LAUNCH, "sh", *self._argv],
                stdin=subprocess.DEVNULL,
                stdout=guardian().pipe,
                stderr=log,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
                user=None if self._user is None else self._user.uid,
                group=None if self._user is None else self._user.gid,
                extra_groups=None if self._user is None else [],
            )

    async def stop(self, timeout_seconds: float = 10.0) -> None:
        """Ask it to end; kill it if it has not ended in time."""
        if not self.alive:
            return
        os.kill(self.pid, self._stop_signal)
        self.resume()  # a process that is paused gets the signal only when it runs again
        try:
            await self.wait_exit(timeout_seconds)
        except TimeoutError:
            self.kill()
            await self.wait_exit(_KILL_SECONDS)

    def kill(self) -> None:
        """End the process and all its descendants as `kill -9` does."""
        self._signal_tree(signal.SIGKILL)

    def pause(self) -> None:
        self._signal_tree(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_tree(signal.SIGCONT)

    async def wait_exit(self, timeout_seconds: float | None = None) -> int:
        """Return the exit code once it has ended. Raises TimeoutError where that takes longer."""
        ends = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while (code := self.returncode) is None:
            if ends is not None and time.monotonic() > ends:
                raise TimeoutError(f"{self.name} still runs after {timeout_seconds} s")
            await asyncio.sleep(_POLL_SECONDS)
        return code

    def log_tail(self, lines: int = _TAIL_LINES) -> str:
        """Return the last lines that it wrote since its last start."""
        if not self.log_path.exists():
            return ""
        written = self.log_path.read_bytes()[self._log_start_bytes :]
        return "\n".join(written.decode(errors="replace").splitlines()[-lines:])

    def start_error(self, why: str) -> StartError:
        """Return the error for a start that failed: the reason, the log and its last lines."""
        return StartError(f"{self.name} {why}; its log is {self.log_path}, and ends so:\n{self.log_tail()}")

    def _signal_tree(self, number: signal.Signals) -> None:
        if self.alive:
            signal_tree(self.pid, number)
