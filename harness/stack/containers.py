"""The backend that needs nothing but Docker: the official images of Kafka and PostgreSQL, by testcontainers."""

import asyncio
import hashlib
import secrets
import sys
from pathlib import Path
from typing import Any, Self

import asyncpg

from harness.kafka.wait import wait_until_ready
from harness.machine.ports import free_ports, release_ports
from harness.machine.temporary_folder import make_temporary_folder, remove_temporary_folder
from harness.postgres.passwords import DATABASES, OWNER, add_passwords, make_passwords, url
from harness.postgres.server_process import wait_until_serves
from harness.postgres.template import ensure_service_roles, make_databases
from harness.processes import guardian
from harness.processes.run_all import run_all
from harness.say import Say
from harness.stack import remove_containers
from harness.stack.container import Container, docker_answers, docker_host, make_network, remove_volumes
from harness.stack.images import (
    KAFKA_DATA,
    KAFKA_IMAGE,
    POSTGRES_DATA,
    POSTGRES_IMAGE,
    kafka_settings,
    postgres_settings,
)

_STOP_SECONDS = 20


class ContainersBackend:
    """An Apache Kafka and a PostgreSQL in containers; also an async context manager that starts and stops them.

    Args:
        data_folder: for the passwords; the data are kept in Docker volumes named after it. None: the data are removed
            with the containers.
        kafka_nodes: 1, or 3.
        kafka_port, postgres_port: published here; None: free ones (more Kafka nodes always take free ones).
        say: called with a line for each step that takes long.
    """

    def __init__(
        self,
        *,
        data_folder: Path | None = None,
        kafka_nodes: int = 1,
        kafka_port: int | None = None,
        postgres_port: int | None = None,
        say: Say = print,
    ) -> None:
        self.kafka_nodes = kafka_nodes
        self._given_folder = data_folder
        self._folder = data_folder or Path()
        self._ports = [kafka_port, *[None] * (kafka_nodes - 1), postgres_port]
        self._reserved: list[int] = []
        self._say = say
        self._name = f"stopline-{secrets.token_hex(4)}"
        self._kafka: list[Container] = []
        self._postgres: Container | None = None
        self._host = "127.0.0.1"

    @property
    def postgres(self) -> Container:
        if self._postgres is None:
            raise RuntimeError("the backend was not started")
        return self._postgres

    @property
    def kafka_names(self) -> list[str]:
        """The containers of the nodes."""
        return [node.name for node in self._kafka]

    @property
    def kafka_bootstrap(self) -> str:
        return ",".join(f"{self._host}:{port}" for port in self._ports[:-1])

    @property
    def optout_database_url(self) -> str:
        return self._url("optout")

    @property
    def optout_pipeline_url(self) -> str:
        return self._url("optout_pipeline")

    @property
    def optout_api_url(self) -> str:
        return self._url("optout_api")

    @property
    def optout_links_url(self) -> str:
        return self._url("optout_links")

    @property
    def sender_database_url(self) -> str:
        return self._url("sender")

    def _url(self, role: str) -> str:
        return url(self._ports[-1] or 0, role, self._passwords(), host=self._host)

    def _passwords(self) -> dict[str, str]:
        path = self._folder / "postgres-passwords.json"
        return add_passwords(path) if path.exists() else make_passwords(path)

    async def start(self) -> None:
        """Start both at the same time; see `Backend.start`."""
        self._say(f"starting {KAFKA_IMAGE} and {POSTGRES_IMAGE} (pulled where they are missing)")
        self._host = await asyncio.to_thread(docker_host)
        self._folder = self._given_folder or make_temporary_folder()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._reserved = free_ports(len(self._ports))
        self._ports = [given or free for given, free in zip(self._ports, self._reserved, strict=True)]
        self._describe()
        guardian().run_command(self._removal())
        try:
            await asyncio.to_thread(make_network, self._name)
            await run_all(self._start_all_of_kafka(), self.start_postgres())
        except BaseException:
            await self.stop()
            raise

    def _describe(self) -> None:
        names = [f"{self._name}-kafka-{node}" for node in range(1, self.kafka_nodes + 1)]
        self._kafka = [
            Container(
                name,
                kafka_settings(node, names, (self._host, port or 0), self._volumes(f"kafka-{node}", KAFKA_DATA)),
                self._name,
            )
            for node, (name, port) in enumerate(zip(names, self._ports, strict=False), start=1)
        ]
        volumes = self._volumes("postgres", POSTGRES_DATA)
        settings = postgres_settings(OWNER, self._passwords()[OWNER], self._ports[-1] or 0, volumes)
        self._postgres = Container(f"{self._name}-postgres", settings, self._name)

    def _volumes(self, name: str, inside: str) -> dict[str, str]:
        if self._given_folder is None:
            return {}
        return {f"stopline-{_digest(self._given_folder)}-{name}": inside}

    async def _start_all_of_kafka(self) -> None:
        await run_all(*(node.start() for node in self._kafka))
        await self._kafka_serves()

    async def _kafka_serves(self) -> None:
        pairs = zip(self._kafka, self._ports, strict=False)
        await wait_until_ready({(self._host, port or 0): node for node, port in pairs if node.alive})

    async def stop(self) -> None:
        """Stop and remove both; see `Backend.stop`."""
        if self._given_folder is not None:
            await run_all(*(each.stop(_STOP_SECONDS) for each in self._containers() if each.exists))
        await asyncio.to_thread(remove_containers.remove, self._names())
        for container in self._containers():
            container.forget()
        guardian().forget_command(self._removal())
        release_ports(self._reserved)
        if self._given_folder is None:
            remove_temporary_folder(self._folder)

    def _containers(self) -> list[Container]:
        return [*self._kafka, *([] if self._postgres is None else [self._postgres])]

    def _names(self) -> list[str]:
        return [*(each.name for each in self._containers()), self._name]

    def _removal(self) -> list[str]:
        # -P: a module of the script's folder must not be imported in the place of a library's
        return [sys.executable, "-P", remove_containers.__file__, *self._names()]

    def kafka_alive(self, node: int = 0) -> bool:
        return self._kafka[node].alive

    def postgres_alive(self) -> bool:
        return self.postgres.alive

    async def kill_kafka(self, node: int = 0) -> None:
        await self._kafka[node].kill()

    async def start_kafka(self, node: int = 0) -> None:
        await self._kafka[node].start()
        await self._kafka_serves()

    async def pause_kafka(self, node: int = 0) -> None:
        await self._kafka[node].pause()

    async def resume_kafka(self, node: int = 0) -> None:
        await self._kafka[node].resume()

    async def kill_postgres(self) -> None:
        await self.postgres.kill()

    async def start_postgres(self) -> None:
        await self.postgres.start()
        await wait_until_serves(self.postgres, self._url(OWNER))
        await _ensure_databases(self._url(OWNER), self._passwords())
        await ensure_service_roles(self._url(OWNER), self._passwords())

    async def pause_postgres(self) -> None:
        await self.postgres.pause()

    async def resume_postgres(self) -> None:
        await self.postgres.resume()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def remove_data(data_folder: Path) -> None:
    """Remove the volumes of a kept stack, where Docker answers and has them."""
    if docker_answers():
        remove_volumes(f"stopline-{_digest(data_folder)}-")


def _digest(folder: Path) -> str:
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]


async def _ensure_databases(owner_url: str, passwords: dict[str, str]) -> None:
    connection: Any = await asyncpg.connect(owner_url)
    try:
        present = await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = ANY($1)", DATABASES)
    finally:
        await connection.close()
    if present < len(DATABASES):
        await make_databases(owner_url, passwords)
