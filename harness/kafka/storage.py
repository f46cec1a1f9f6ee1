"""Formats a node's folder as `kafka-storage format` does, without the second that its Java takes."""

import base64
import shutil
import uuid
from pathlib import Path

from harness.kafka.runtime import KafkaRuntime


def cluster_id_in(folder: Path) -> str | None:
    """Return the id of the cluster for which `folder` was formatted; None where it was not."""
    written = folder / "meta.properties"
    if not written.exists():
        return None
    lines = (line.partition("=") for line in written.read_text().splitlines())
    return next(value for name, _, value in lines if name == "cluster.id")


def format_storage(runtime: KafkaRuntime, folder: Path, node_id: int, cluster_id: str) -> None:
    """Format `folder` for a node, unless it is formatted already."""
    if cluster_id_in(folder) is not None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(runtime.bootstrap_checkpoint, folder / "bootstrap.checkpoint")
    (folder / "meta.properties").write_text(
        f"version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={new_kafka_id()}\n"
    )


def new_kafka_id() -> str:
    """Return a random id as Kafka writes them: 16 bytes in URL-safe base64, no dash in front."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return text if not text.startswith("-") else new_kafka_id()
