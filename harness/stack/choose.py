"""Which backend a stack stands on, where the caller leaves it open."""

import os
from dataclasses import dataclass
from pathlib import Path

from harness.install import Say, can_install, find_java, find_maven, how_to_install
from harness.kafka.prepare import prepared_kafka
from harness.processes import HarnessError
from harness.stack.backend import Backend
from harness.stack.container import docker_answers
from harness.stack.containers import ContainersBackend
from harness.stack.embedded import EmbeddedBackend
from harness.stack.external import ExternalBackend

EMBEDDED, CONTAINERS, EXTERNAL = NAMES = ("embedded", "containers", "external")


@dataclass(frozen=True)
class BackendOptions:
    """What a backend is made with; see `EmbeddedBackend` for each."""

    data_folder: Path | None = None
    kafka_nodes: int = 1
    kafka_port: int | None = None
    postgres_port: int | None = None
    durable: bool = True
    quick_start: bool = True
    say: Say = print


def chosen_name(name: str | None = None) -> str | None:
    """Return the backend that was asked for; None where that is left open."""
    return name or os.environ.get("STOPLINE_BACKEND") or None


def choose_backend(name: str | None, options: BackendOptions) -> Backend:
    """Return the backend called `name`, else STOPLINE_BACKEND, else the first that this machine can run.

    Raises:
        HarnessError: there is no such backend, or none that can run here; one line says what to install.
    """
    name = chosen_name(name) or _possible()
    if name == EMBEDDED:
        return EmbeddedBackend(
            data_folder=options.data_folder,
            kafka_nodes=options.kafka_nodes,
            kafka_port=options.kafka_port,
            postgres_port=options.postgres_port,
            durable=options.durable,
            quick_start=options.quick_start,
            say=options.say,
        )
    if name == CONTAINERS:
        return ContainersBackend(
            data_folder=options.data_folder,
            kafka_nodes=options.kafka_nodes,
            kafka_port=options.kafka_port,
            postgres_port=options.postgres_port,
            say=options.say,
        )
    if name == EXTERNAL:
        return ExternalBackend()
    raise HarnessError(f"STOPLINE_BACKEND: there is no backend {name!r}; choose one of {', '.join(NAMES)}")


def _possible() -> str:
    missing = _missing_programs()
    if not missing or can_install():
        return EMBEDDED
    if docker_answers():
        return CONTAINERS
    raise HarnessError("; ".join([*map(how_to_install, missing), "or start Docker"]))


def _missing_programs() -> list[str]:
    """Return what the embedded backend lacks on this machine."""
    if prepared_kafka() is not None:
        return []
    found = {"java": find_java(), "mvn": find_maven()}
    return [program for program, path in found.items() if path is None]
