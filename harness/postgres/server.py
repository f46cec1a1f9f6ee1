"""A PostgreSQL server as a process of this machine, reached by TCP on 127.0.0.1 only."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import asyncpg

from harness.postgres.binaries import find_binaries, open_to
from harness.postgres.initialise import ensure_data_folder, ensure_databases
from harness.postgres.passwords import OWNER, passwords
from harness.postgres.user import unprivileged_user
from harness.processes import ManagedProcess
from harness.processes.watcher import descendants

_DEADLINE_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
_STOP_SECONDS = 20.0
_KILL_SECONDS = 10.0
_BACKENDS_SECONDS = 2.0
_POLL_SECONDS = 0.02


class PostgresServer:
    """The server, its data in `folder`/postgres; data that is already there is taken as it is.

    Args:
        folder: where data, log and passwords are.
        port: where it listens.
        durable: write through to the disk at every commit. Without, what is committed survives `kill -9` of every
            process just the same, since the kernel keeps what was written; only a crash of the machine loses it.
    """

    def __init__(self, folder: Path, port: int, *, durable: bool = True) -> None:
        self._folder = folder
        self._port = port
        self._durable = durable
        self._process: ManagedProcess | None = None

    @property
    def process(self) -> ManagedProcess:
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process

    def url(self, role: str) -> str:
        """Return the address of the role's own database."""
        database = "postgres" if role == OWNER else role
        return f"postgresql://{role}:{self._passwords()[role]}@127.0.0.1:{self._port}/{database}"

    def _passwords(self) -> dict[str, str]:
        return passwords(self._folder / "postgres-passwords.json")

    async def start(self) -> None:
        """Start the server, again if it was killed, and wait until it serves.

        Raises:
            StartError: it ended or did not get ready; it names the log and shows its end.
        """
        user = unprivileged_user()
        binaries = await asyncio.to_thread(find_binaries)
        binaries = binaries if user is None else await asyncio.to_thread(open_to, user, binaries)
        data, log_path = self._folder / "postgres", self._folder / "logs" / "postgres.log"
        await ensure_data_folder(binaries, data, self._passwords()[OWNER], user, log_path)
        self._process = ManagedProcess(
            "PostgreSQL",
            [binaries / "postgres", "-D", data, *self._settings()],
            log_path=log_path,
            cwd=Path("/"),
            user=user,
            stop_signal=signal.SIGINT,  # ends the sessions; SIGTERM would wait for every client to leave
        )
        self._process.start()
        await self._wait_until_ready()

    def _settings(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "shared_buffers": "256MB",
            "max_connections": "200",
            "max_wal_size": "2GB",
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
        }
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    async def _wait_until_ready(self) -> None:
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                while not await self._serves():  # noqa: ASYNC110 (it happens in other processes)
                    await asyncio.sleep(_POLL_SECONDS)
                await ensure_databases(self.url(OWNER), self._passwords())
        except TimeoutError:
            raise self.process.start_error(f"did not serve within {_DEADLINE_SECONDS} s") from None

    async def _serves(self) -> bool:
        if not self.process.alive:
            raise self.process.start_error(f"ended with code {self.process.returncode} while it was starting")
        try:
            connection = await asyncpg.connect(self.url(OWNER), timeout=_CONNECT_SECONDS)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        await connection.close()
        return True

    async def stop(self) -> None:
        """End it cleanly, whatever its clients are doing."""
        if self._process is not None:
            await self._process.stop(_STOP_SECONDS)

    async def kill(self) -> None:
        """End the server and all its sessions as `kill -9` does."""
        if self._process is None or not self._process.alive:
            return
        sessions = descendants(self._process.pid)
        self._process.kill()
        await self._process.wait_exit(_KILL_SECONDS)
        # A new server refuses to start while a session of the old one still holds the shared memory.
        await _wait_until_gone(sessions)


async def _wait_until_gone(pids: Sequence[int]) -> None:
    # With a limit: where no init process collects the dead, they stay visible.
    ends = time.monotonic() + _BACKENDS_SECONDS
    while time.monotonic() < ends and any(map(_exists, pids)):  # noqa: ASYNC110 (they are other processes)
        await asyncio.sleep(_POLL_SECONDS)


def _exists(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
