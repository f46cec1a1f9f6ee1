"""An Apache Kafka cluster of one node or more, as processes of this machine."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.kafka.properties import NodePorts, node_properties
from harness.kafka.runtime import KafkaRuntime, java_environment
from harness.kafka.storage import cluster_id_in, format_storage, new_kafka_id
from harness.kafka.wait import wait_until_ready
from harness.processes import ManagedProcess

_STOP_SECONDS = 20.0
_KILL_SECONDS = 10.0
_HEAP = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")
_NO_OPTIMISING_COMPILER = "-XX:TieredStopAtLevel=1"


class KafkaCluster:
    """A cluster of Kafka nodes, which are numbered from 0 here and from 1 in Kafka's own settings.

    Args:
        runtime: see `harness.kafka.prepare.prepare_kafka`.
        folder: gets a folder per node, `kafka-1` and so on, and `logs`. A formatted folder is used as it is.
        ports: one for each node.
        quick_start: switch the JVM's optimising compiler off: a start takes half a second and half of the CPU time
            less, but the node is slower under sustained load.
        more_options: further options of the JVM.
        more_settings: of every node, such as listeners with TLS; they win.
    """

    def __init__(  # noqa: PLR0913 (each is a choice of the caller with a default)
        self,
        runtime: KafkaRuntime,
        folder: Path,
        ports: Sequence[NodePorts],
        *,
        quick_start: bool = True,
        more_options: tuple[str, ...] = (),
        more_settings: Mapping[str, str] | None = None,
    ) -> None:
        self._runtime = runtime
        self._folder = folder
        self._ports = dict(enumerate(ports, start=1))
        self._more_settings = dict(more_settings or {})
        self._options = (*_HEAP, *((_NO_OPTIMISING_COMPILER,) if quick_start else ()), *more_options)
        self.nodes = [self._process(node_id) for node_id in self._ports]

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{each.broker}" for each in self._ports.values())

    def _process(self, node_id: int) -> ManagedProcess:
        command = self._runtime.command("kafka.Kafka", str(self._settings_path(node_id)), options=self._options)
        return ManagedProcess(
            f"Kafka node {node_id}",
            command,
            log_path=self._folder / "logs" / f"kafka-{node_id}.log",
            env=java_environment(),
            cwd=self._folder,
        )

    def _settings_path(self, node_id: int) -> Path:
        return self._folder / f"kafka-{node_id}.properties"

    def format(self) -> None:
        """Write the settings, and format the folders that are not formatted yet."""
        folders = {node_id: self._folder / f"kafka-{node_id}" for node_id in self._ports}
        known = next(filter(None, map(cluster_id_in, folders.values())), None)
        cluster_id = known or new_kafka_id()
        for node_id, folder in folders.items():
            format_storage(self._runtime, folder, node_id, cluster_id)
            # a node runs in our folder
            settings = node_properties(node_id, self._ports, Path(folder.name)) | self._more_settings
            text = "".join(f"{name}={value}\n" for name, value in settings.items())
            self._settings_path(node_id).write_text(text)

    async def start(self) -> None:
        """Start all nodes and wait until every one of them serves.

        Raises:
            StartError: one ended or did not get ready; it names the log and shows its end.
        """
        self.format()
        for node in self.nodes:
            node.start()
        await self._wait_until_ready()

    async def _wait_until_ready(self) -> None:
        pairs = zip(self.nodes, self._ports.values(), strict=True)
        await wait_until_ready({("127.0.0.1", ports.broker): node for node, ports in pairs if node.alive})

    async def stop(self) -> None:
        """End all nodes cleanly."""
        await asyncio.gather(*(node.stop(_STOP_SECONDS) for node in self.nodes))

    async def kill(self) -> None:
        """End all nodes as `kill -9` does."""
        await asyncio.gather(*(self.kill_node(number) for number in range(len(self.nodes))))

    async def kill_node(self, number: int = 0) -> None:
        if self.nodes[number].alive:
            self.nodes[number].kill()
            await self.nodes[number].wait_exit(_KILL_SECONDS)

    async def start_node(self, number: int = 0) -> None:
        """Start a node that was killed, on the same ports and data, and wait until it serves."""
        self.nodes[number].start()
        await self._wait_until_ready()
