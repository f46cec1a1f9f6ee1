"""Containers, by testcontainers' client: started, killed and paused like processes.

Its reaper (Ryuk) is not used: our watcher removes the containers after a crash, and needs no image for that.
"""

import asyncio
import gc
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.processes import StartError

_TAIL_LINES = 20
_PING_SECONDS = 5


def docker_answers() -> bool:
    """Return whether there is a Docker engine that we may use."""
    with _closing_what_libraries_leave_open():
        try:
            import docker  # type: ignore[import-untyped]  # ships no types

            client = docker.from_env(timeout=_PING_SECONDS)
            try:
                return bool(client.ping())
            finally:
                client.close()
        except Exception:  # noqa: BLE001 (whatever the reason, Docker cannot be used)
            return False


def docker_host() -> str:
    """Return where published ports are reached."""
    with _client() as client:
        host = client.host()
    return "127.0.0.1" if host == "localhost" else host


def make_network(name: str) -> None:
    """Make a network in which containers reach each other by name."""
    with _client() as client:
        client.client.networks.create(name)


def remove_volumes(prefix: str) -> None:
    """Remove the volumes whose names begin with `prefix`."""
    with _client() as client:
        for volume in client.client.volumes.list(filters={"name": f"^{prefix}"}):
            volume.remove()


@contextmanager
def _client() -> Iterator[Any]:
    client = _new_client()
    try:
        yield client
    finally:
        client.client.close()


def _new_client() -> Any:
    with _closing_what_libraries_leave_open():
        from testcontainers.core.docker_client import DockerClient

        return DockerClient()


@contextmanager
def _closing_what_libraries_leave_open() -> Iterator[None]:
    """Close the sockets that a failed connection (docker) and an import (testcontainers) leave, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@dataclass(frozen=True)
class ContainerSettings:
    """The settings of a new container.

    `ports` maps ports in the container to ports outside, `volumes` names of volumes to folders in the container.
    """

    image: str
    environment: Mapping[str, str]
    ports: Mapping[int, int]
    volumes: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()


class Container:
    """A container that keeps its name, ports and data when it is killed and started again."""

    def __init__(self, name: str, settings: ContainerSettings, network_name: str) -> None:
        self.name = name
        self._settings = settings
        self._network_name = network_name
        self._container: Any = None

    @property
    def exists(self) -> bool:
        return self._container is not None

    async def start(self) -> None:
        """Create and start the container, or start it again; does not wait until it serves.

        Raises:
            StartError: Docker refused.
        """
        await asyncio.to_thread(self._container.start if self.exists else self._make)

    def _make(self) -> None:
        settings = self._settings
        client = _new_client()
        try:
            self._container = client.run(
                settings.image,
                list(settings.command) or None,
                detach=True,
                name=self.name,
                environment=dict(settings.environment),
                ports={f"{inside}/tcp": outside for inside, outside in settings.ports.items()},
                volumes={name: {"bind": folder, "mode": "rw"} for name, folder in settings.volumes.items()},
                network=self._network_name,
            )
        except Exception as error:
            client.client.close()
            raise StartError(f"container {self.name} of {settings.image} could not be started: {error}") from error

    @property
    def alive(self) -> bool:
        return self.returncode is None

    @property
    def returncode(self) -> int | None:
        self._container.reload()
        state = self._container.attrs["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def start_error(self, why: str) -> StartError:
        said = self._container.logs(tail=_TAIL_LINES).decode(errors="replace")
        return StartError(f"container {self.name} {why}; its log ends with:\n{said}")

    def forget(self) -> None:
        """Treat the container as removed, and close the connection to the engine."""
        if self._container is not None:
            self._container.client.close()
            self._container = None

    async def stop(self, timeout_seconds: int) -> None:
        await asyncio.to_thread(self._container.stop, timeout=timeout_seconds)

    async def kill(self) -> None:
        await asyncio.to_thread(self._container.kill, "KILL")
        await asyncio.to_thread(self._container.wait)

    async def pause(self) -> None:
        await asyncio.to_thread(self._container.pause)

    async def resume(self) -> None:
        await asyncio.to_thread(self._container.unpause)
