"""A PostgreSQL server as a process of this machine, reached by TCP on 127.0.0.1 only."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.postgres.passwords import OWNER, add_passwords, read_passwords, url
from harness.postgres.server_process import Installation, find_installation, server_process, wait_until_serves
from harness.postgres.template import copy_data, ensure_service_roles, ensure_template
from harness.postgres.user import may_enter
from harness.processes import HarnessError, ManagedProcess
from harness.processes.watcher import descendants, is_running

_STOP_SECONDS = 20.0
_KILL_SECONDS = 10.0
_POLL_SECONDS = 0.02


class PostgresServer:
    """The server, with its data in `folder`/postgres; existing data are used as they are.

    Args:
        folder: where data, log and passwords are.
        port: where it listens.
        durable: write through to the disk at every commit. Without it, commits still survive `kill -9` of every
            process, since the kernel keeps written pages; only a crash of the machine loses them.
        installation: None: the first that is found.
        more_settings: of the server, such as its certificate.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        durable: bool = True,
        installation: Installation | None = None,
        more_settings: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._port = port
        self._durable = durable
        self._installation = installation
        self._more_settings = more_settings
        self._process: ManagedProcess | None = None

    @property
    def process(self) -> ManagedProcess:
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process

    def url(self, role: str) -> str:
        """Return the address of the role's own database."""
        return url(self._port, role, read_passwords(self._folder / "postgres-passwords.json"))

    async def start(self) -> None:
        """Start the server, again if it was killed, and wait until it serves.

        Raises:
            StartError: it ended or did not get ready; it names the log and shows its end.
            HarnessError: there is no PostgreSQL, or it cannot run here.
        """
        if self._process is None:
            if self._installation is None:
                self._installation = await asyncio.to_thread(find_installation)
            installation = self._installation
            await self._ensure_data(installation)
            log_path = self._folder / "logs" / "postgres.log"
            self._process = server_process(
                installation,
                self._folder / "postgres",
                self._port,
                log_path,
                durable=self._durable,
                more_settings=self._more_settings,
            )
        self._process.start()
        await wait_until_serves(self._process, self.url(OWNER))
        await self._ensure_roles()

    async def _ensure_roles(self) -> None:
        """Create the roles that data of an older version lack, or that a start which was cut off did not create."""
        await ensure_service_roles(self.url(OWNER), add_passwords(self._folder / "postgres-passwords.json"))

    async def _ensure_data(self, installation: Installation) -> None:
        user = installation.user
        if user is not None and not may_enter(user, self._folder):
            raise HarnessError(
                f"PostgreSQL does not run as root, and {user.name} cannot enter {self._folder}: "
                "take another folder (not below /root), or run as another user"
            )
        if not (self._folder / "postgres").is_dir():
            template = await ensure_template(installation)
            await asyncio.to_thread(copy_data, template, self._folder)

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
    async with asyncio.timeout(_KILL_SECONDS):
        while any(map(is_running, pids)):  # noqa: ASYNC110 (they are other processes)
            await asyncio.sleep(_POLL_SECONDS)
