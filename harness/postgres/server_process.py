"""The server process: its settings, and the wait until it serves."""

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from harness.postgres.binaries import find_binaries, open_to
from harness.postgres.user import unprivileged_user
from harness.processes import ManagedProcess, Started, User

_DEADLINE_SECONDS = 120.0  # a busy machine is slow; a process that ends is noticed at once
_CONNECT_SECONDS = 10.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Installation:
    """The programs of PostgreSQL, and the user that they run as (None: our own)."""

    binaries: Path
    user: User | None


def find_installation() -> Installation:
    """Return the programs to run PostgreSQL with, and their user.

    Raises:
        HarnessError: there is none that is new enough, or no user that it could run as.
    """
    user, binaries = unprivileged_user(), find_binaries()
    return Installation(binaries if user is None else open_to(user, binaries), user)


def server_process(  # noqa: PLR0913 (what a server is started with)
    installation: Installation,
    data: Path,
    port: int,
    log_path: Path,
    *,
    durable: bool,
    more_settings: Mapping[str, str] | None = None,
) -> ManagedProcess:
    """Return the process of a server, not yet started."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "shared_buffers": "256MB",
        "max_connections": "200",
        "max_wal_size": "2GB",
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        **(more_settings or {}),
    }
    arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return ManagedProcess(
        "PostgreSQL",
        [installation.binaries / "postgres", "-D", data, *arguments],
        log_path=log_path,
        cwd=Path("/"),
        user=installation.user,
        stop_signal=signal.SIGINT,  # ends the sessions; SIGTERM would wait for every client to leave
    )


async def wait_until_serves(process: Started, address: str) -> None:
    """Return when the server takes connections at `address`.

    Raises:
        StartError: it ended, or the deadline passed.
    """
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            while not await _serves(process, address):  # noqa: ASYNC110 (it happens in another process)
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise process.start_error(f"did not serve within {_DEADLINE_SECONDS} s") from None


async def _serves(process: Started, address: str) -> bool:
    if not process.alive:
        raise process.start_error(f"ended with code {process.returncode} while it was starting")
    try:
        connection = await asyncpg.connect(address, timeout=_CONNECT_SECONDS)
    except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
        return False
    await connection.close()
    return True
