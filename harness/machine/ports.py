"""Free ports on this machine that stay ours while the server that uses them is killed and started again."""

import errno
import os
import random
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.machine.file_lock import try_lock

# Below the ports that systems hand out to outgoing connections (from 32768 on Linux, 49152 on macOS): otherwise a
# client that keeps calling a killed broker may be given that very port as its own, and block the broker's restart.
_LOWEST, _HIGHEST = 20_000, 32_000
_ATTEMPTS = 1_000
_locks: dict[int, int] = {}


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens, reserved against this user's other processes until this one ends."""
    return [_free_port() for _ in range(count)]


def taken_of(ports: Mapping[str, int]) -> dict[str, int]:
    """Return those of the named ports on which something listens."""
    return {name: port for name, port in ports.items() if not _is_free(port)}


def _free_port() -> int:
    for _ in range(_ATTEMPTS):
        port = random.randrange(_LOWEST, _HIGHEST)  # noqa: S311 (not a secret)
        if port not in _locks and _is_free(port) and _reserve(port):
            return port
    raise RuntimeError(f"no free port between {_LOWEST} and {_HIGHEST}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def _reserve(port: int) -> bool:
    folder = Path(tempfile.gettempdir(), f"stopline-ports-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = try_lock(folder / str(port))
    if lock is None:
        return False
    _locks[port] = lock  # held as long as this process lives
    return True


def release_ports(ports: list[int]) -> None:
    """Release ports that `free_ports` reserved; others are ignored."""
    for port in ports:
        if (lock := _locks.pop(port, None)) is not None:
            os.close(lock)
