"""The interface of a server that was started: a process of this machine, or a container."""

from typing import Protocol

from harness.processes.errors import StartError


class Started(Protocol):
    """A server that was started, and may end before it serves."""

    @property
    def alive(self) -> bool: ...

    @property
    def returncode(self) -> int | None: ...

    def start_error(self, why: str) -> StartError:
        """Return the error for a start that failed: the reason, the log and its last lines."""
