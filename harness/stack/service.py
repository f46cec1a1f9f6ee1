"""A service of ours as a real process: started, awaited, stopped, killed and paused."""

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from harness.machine.ports import free_ports
from harness.processes import HarnessError, ManagedProcess

_READY_SECONDS = 120.0  # a busy machine is slow; a process that ends is noticed at once
_STOP_SECONDS = 15.0
_KILL_SECONDS = 10.0
_ANSWER_SECONDS = 5.0
_POLL_SECONDS = 0.05
_OK = 200


class Service:
    """One process of a service.

    Args:
        name: `optout`, or `optout-2` for a second instance.
        module: what `python -m` runs.
        port: where it listens on 127.0.0.1.
        environment: all of it, the settings included.
        log_path: the file for its standard output and error.
    """

    def __init__(self, name: str, module: str, port: int, environment: Mapping[str, str], log_path: Path) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        metrics_port = environment.get("STOPLINE_METRICS_PORT") or str(free_ports(1)[0])
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
        self._module = module
        self._environment = {**environment, "STOPLINE_METRICS_PORT": metrics_port}
        self._log_path = log_path
        self._process: ManagedProcess | None = None

    @property
    def process(self) -> ManagedProcess:
        """The process of the last start."""
        if self._process is None:
            raise HarnessError(f"{self.name} was not started")
        return self._process

    @property
    def started(self) -> bool:
        return self._process is not None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    async def start(
        self, failpoint: str | None = None, extra_env: Mapping[str, str] | None = None, *, wait: bool = True
    ) -> None:
        """Start the process and wait until it is ready.

        Args:
            failpoint: where it is to stop or die, as in `shared.failpoints`: `optout.after_record=kill@3`.
            extra_env: settings of this start only.
            wait: False returns as soon as the process exists, for one that dies before it is ready.

        Raises:
            StartError: it ended or did not get ready; names the log and shows its end.
        """
        if self.alive:
            raise HarnessError(f"{self.name} is already running")
        armed = {"STOPLINE_FAILPOINT": failpoint} if failpoint else {}
        self._process = ManagedProcess(
            self.name,
            [sys.executable, "-m", self._module],
            env={**self._environment, **armed, **(extra_env or {})},
            log_path=self._log_path,
            cwd=self._log_path.parent,
        )
        self._process.start()
        if wait:
            await self.wait_ready()

    async def stop(self, timeout_seconds: float = _STOP_SECONDS) -> None:
        """Ask the process to end, as a deployment does; kill it if it has not ended in time."""
        await self.process.stop(timeout_seconds)

    async def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.kill()
        await self.process.wait_exit(_KILL_SECONDS)

    async def pause(self) -> None:
        """Freeze the process: its connections stay open, and it notices nothing."""
        self.process.pause()

    async def resume(self) -> None:
        self.process.resume()

    async def restart(self, failpoint: str | None = None, extra_env: Mapping[str, str] | None = None) -> None:
        """Stop it and start it again."""
        await self.stop()
        await self.start(failpoint, extra_env)

    async def wait_exit(self, timeout_seconds: float = _READY_SECONDS) -> int:
        """Wait until a failpoint or a bug ends the process; return the exit code, negative for a signal."""
        return await self.process.wait_exit(timeout_seconds)

    async def wait_ready(self, timeout_seconds: float = _READY_SECONDS) -> None:
        """Return when GET /health/ready answers 200.

        Raises:
            StartError: the process ended, or the deadline passed.
        """
        ends = time.monotonic() + timeout_seconds
        answer = "no answer"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS)) as http:
            while (answer := await self._ready(http)) != "ready":
                if not self.process.alive:
                    raise self.process.start_error(f"ended with code {self.process.returncode} before it was ready")
                if time.monotonic() > ends:
                    raise self.process.start_error(f"was not ready within {timeout_seconds:g} s ({answer})")
                await asyncio.sleep(_POLL_SECONDS)

    async def _ready(self, http: aiohttp.ClientSession) -> str:
        """Return `ready`, or the answer that says why not."""
        try:
            async with http.get(f"{self.url}/health/ready") as response:
                return "ready" if response.status == _OK else f"{response.status} {await response.text()}"
        except (aiohttp.ClientError, TimeoutError):
            return "no answer"
