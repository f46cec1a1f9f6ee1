"""The backend that needs nothing but Java: Kafka and PostgreSQL as processes of this machine."""

from pathlib import Path
from typing import Self, TypeVar

from harness.kafka import KafkaCluster
from harness.kafka.prepare import prepare_kafka
from harness.kafka.properties import NodePorts
from harness.machine.ports import free_ports, release_ports
from harness.machine.temporary_folder import make_temporary_folder, remove_temporary_folder
from harness.postgres import PostgresServer
from harness.processes.run_all import run_all
from harness.say import Say

ServerT = TypeVar("ServerT", KafkaCluster, PostgresServer)


class EmbeddedBackend:
    """An Apache Kafka and a PostgreSQL; also an async context manager that starts and stops them.

    Args:
        data_folder: kept, and used again by the next start; None: a temporary one, removed at the end.
        kafka_nodes: 1, or 3 (every record on three nodes, acknowledged by two).
        kafka_port, postgres_port: fixed ones; None: free ones (more Kafka nodes always take free ones).
        durable: see `PostgresServer`.
        quick_start: see `KafkaCluster`.
        say: called with a line for each step that takes long.
    """

    def __init__(  # noqa: PLR0913 (each is a choice of the caller with a default)
        self,
        *,
        data_folder: Path | None = None,
        kafka_nodes: int = 1,
        kafka_port: int | None = None,
        postgres_port: int | None = None,
        durable: bool = True,
        quick_start: bool = True,
        say: Say = print,
    ) -> None:
        self.kafka_nodes = kafka_nodes
        self._given_folder = data_folder
        self._folder: Path | None = None
        self._kafka_port = kafka_port
        self._postgres_port = postgres_port
        self._durable = durable
        self._quick_start = quick_start
        self._say = say
        self._ports: list[int] = []
        self._kafka: KafkaCluster | None = None
        self._postgres: PostgresServer | None = None

    @property
    def kafka(self) -> KafkaCluster:
        return _started(self._kafka)

    @property
    def postgres(self) -> PostgresServer:
        return _started(self._postgres)

    @property
    def kafka_bootstrap(self) -> str:
        return self.kafka.bootstrap

    @property
    def optout_database_url(self) -> str:
        return self.postgres.url("optout")

    @property
    def optout_pipeline_url(self) -> str:
        return self.postgres.url("optout_pipeline")

    @property
    def optout_api_url(self) -> str:
        return self.postgres.url("optout_api")

    @property
    def optout_links_url(self) -> str:
        return self.postgres.url("optout_links")

    @property
    def sender_database_url(self) -> str:
        return self.postgres.url("sender")

    async def start(self) -> None:
        """Start both at the same time; see `Backend.start`."""
        self._folder = self._given_folder or make_temporary_folder()
        (self._folder / "logs").mkdir(parents=True, exist_ok=True)
        self._ports = free_ports(2 * self.kafka_nodes + 1)
        self._postgres = PostgresServer(self._folder, self._postgres_port or self._ports[-1], durable=self._durable)
        try:
            await run_all(self._start_kafka(self._folder), self._postgres.start())
        except BaseException:
            await self.stop(keep_logs=True)
            raise

    async def _start_kafka(self, folder: Path) -> None:
        runtime = await prepare_kafka(self._say)
        broker_ports, controller_ports = self._ports[: self.kafka_nodes], self._ports[self.kafka_nodes : -1]
        if self._kafka_port is not None:
            broker_ports[0] = self._kafka_port
        ports = [NodePorts(*each) for each in zip(broker_ports, controller_ports, strict=True)]
        self._kafka = KafkaCluster(runtime, folder, ports, quick_start=self._quick_start)
        await self._kafka.start()

    async def stop(self, *, keep_logs: bool = False) -> None:
        """Stop both: cleanly where the data are kept, else at once; see `Backend.stop`."""
        kept = self._given_folder is not None
        running = [server for server in (self._kafka, self._postgres) if server is not None]
        await run_all(*(server.stop() if kept else server.kill() for server in running))
        release_ports(self._ports)
        if self._folder is not None and not kept:
            remove_temporary_folder(self._folder, keep_logs=keep_logs)

    def kafka_alive(self, node: int = 0) -> bool:
        return self.kafka.nodes[node].alive

    def postgres_alive(self) -> bool:
        return self.postgres.process.alive

    async def kill_kafka(self, node: int = 0) -> None:
        await self.kafka.kill_node(node)

    async def start_kafka(self, node: int = 0) -> None:
        await self.kafka.start_node(node)

    async def pause_kafka(self, node: int = 0) -> None:
        self.kafka.nodes[node].pause()

    async def resume_kafka(self, node: int = 0) -> None:
        self.kafka.nodes[node].resume()

    async def kill_postgres(self) -> None:
        await self.postgres.kill()

    async def start_postgres(self) -> None:
        await self.postgres.start()

    async def pause_postgres(self) -> None:
        self.postgres.process.pause()

    async def resume_postgres(self) -> None:
        self.postgres.process.resume()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _started(server: ServerT | None) -> ServerT:
    if server is None:
        raise RuntimeError("the backend was not started")
    return server
