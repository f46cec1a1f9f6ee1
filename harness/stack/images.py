"""The official images, with settings like those of the embedded backend."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.kafka.properties import NodePorts, node_properties
from harness.stack.container import ContainerSettings

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
KAFKA_DATA = "/var/lib/kafka/data"
POSTGRES_DATA = "/var/lib/postgresql"
_OUTSIDE, _INSIDE, _CONTROLLER, _POSTGRES = 9092, 19092, 9093, 5432


def kafka_settings(
    node_id: int, names: Sequence[str], published: tuple[str, int], volumes: Mapping[str, str]
) -> ContainerSettings:
    """Return the settings of one node of the containers `names`, reached from outside at `published`."""
    nodes = {number: NodePorts(_INSIDE, _CONTROLLER) for number in range(1, len(names) + 1)}
    host, port = published
    properties = {
        **node_properties(node_id, nodes, Path(KAFKA_DATA)),
        "controller.quorum.voters": ",".join(
            f"{number}@{name}:{_CONTROLLER}" for number, name in enumerate(names, start=1)
        ),
        "listeners": f"PLAINTEXT://:{_INSIDE},OUTSIDE://:{_OUTSIDE},CONTROLLER://:{_CONTROLLER}",
        "advertised.listeners": f"PLAINTEXT://{names[node_id - 1]}:{_INSIDE},OUTSIDE://{host}:{port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT",
    }
    # The image reads its settings like this: KAFKA_NODE_ID for node.id, and so on.
    environment = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}
    environment["KAFKA_HEAP_OPTS"] = "-Xms256m -Xmx512m"
    return ContainerSettings(KAFKA_IMAGE, environment, {_OUTSIDE: port}, volumes)


def postgres_settings(owner: str, password: str, port: int, volumes: Mapping[str, str]) -> ContainerSettings:
    """Return the settings of the server, reached from outside at `port`."""
    environment = {"POSTGRES_USER": owner, "POSTGRES_DB": "postgres", "POSTGRES_PASSWORD": password}
    command = ("postgres", "-c", "max_connections=200", "-c", "shared_buffers=256MB", "-c", "max_wal_size=2GB")
    return ContainerSettings(POSTGRES_IMAGE, environment, {_POSTGRES: port}, volumes, command)
