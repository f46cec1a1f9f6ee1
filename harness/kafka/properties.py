"""The settings of a node of the embedded cluster: broker and controller in one, tuned for a quick start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MAX_RECORD_BYTES = 8 * 1024 * 1024
_MAJORITY_FROM_NODES = 3


@dataclass(frozen=True)
class NodePorts:
    """The ports of a node on 127.0.0.1."""

    broker: int
    controller: int


def node_properties(node_id: int, ports: Mapping[int, NodePorts], folder: Path) -> dict[str, str]:
    """Return the settings of node `node_id`, whose log is in `folder`; `ports` has all nodes of the cluster."""
    copies = min(len(ports), 3)
    in_sync = 2 if copies >= _MAJORITY_FROM_NODES else 1
    mine = ports[node_id]
    return {
        "node.id": str(node_id),
        "process.roles": "broker,controller",
        "controller.quorum.voters": ",".join(f"{node}@127.0.0.1:{each.controller}" for node, each in ports.items()),
        "listeners": f"PLAINTEXT://127.0.0.1:{mine.broker},CONTROLLER://127.0.0.1:{mine.controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{mine.broker}",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(folder),
        "auto.create.topics.enable": "false",
        "default.replication.factor": str(copies),
        "min.insync.replicas": str(in_sync),
        **_internal_topics(copies, in_sync),
        **_QUICK,
        **_LARGE_RECORDS,
    }


def _internal_topics(copies: int, in_sync: int) -> dict[str, str]:
    return {
        "offsets.topic.replication.factor": str(copies),
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": str(in_sync),
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": str(copies),
        "share.coordinator.state.topic.min.isr": str(in_sync),
    }


_QUICK = {
    # Members of a consumer group start together, or one by one in tests: waiting for more of them helps neither.
    "group.initial.rebalance.delay.ms": "0",
    # Tests of zombies wait until a session ends: let a consumer ask for less than six seconds.
    "group.min.session.timeout.ms": "1000",
    # A killed node may rejoin when its old session has ended: nine seconds by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "4",
    # Tests of compacted topics wait for the cleaner, which looks for work every 15 seconds by default.
    "log.cleaner.backoff.ms": "1000",
    # 128 MB by default, most of a small heap
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}

_LARGE_RECORDS = {
    # A topic decides how large its records may be (parked-messages takes larger ones); followers must fetch them.
    "replica.fetch.max.bytes": str(_MAX_RECORD_BYTES),
    "replica.fetch.response.max.bytes": str(2 * _MAX_RECORD_BYTES),
}
