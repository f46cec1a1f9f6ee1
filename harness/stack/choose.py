"""Chooses the backend of a stack where the caller leaves it open."""

import os
from pathlib import Path
from typing import TypedDict

from harness.install import can_install, find_java, find_maven, how_to_install
from harness.kafka.prepare import prepared_kafka
from harness.processes import HarnessError
from harness.say import Say
from harness.stack.backend import Backend
from harness.stack.container import docker_answers
from harness.stack.containers import ContainersBackend
from harness.stack.embedded import EmbeddedBackend
from harness.stack.external import ExternalBackend

EMBEDDED, CONTAINERS, EXTERNAL = NAMES = ("embedded", "containers", "external")


class BackendOptions(TypedDict, total=False):
    """The options of every backend that starts its own servers; see `EmbeddedBackend` for each."""

    data_folder: Path | None
    kafka_nodes: int
    kafka_port: int | None
    postgres_port: int | None
    say: Say


def chosen_name(name: str | None = None) -> str | None:
    """Return the backend that was asked for; None where that is left open."""
    return name or os.environ.get("STOPLINE_BACKEND") or None


def choose_backend(
    name: str | None, options: BackendOptions, *, durable: bool = True, quick_start: bool = True
) -> Backend:
    """Return the backend called `name`, else STOPLINE_BACKEND, else the first that this machine can run.

    `durable` and `quick_start` are for the embedded one.

    Raises:
        HarnessError: there is no such backend, or none that can run here; one line says what to install.
    """
    name = chosen_name(name) or _possible()
    if name == EMBEDDED:
        return EmbeddedBackend(**options, durable=durable, quick_start=quick_start)
    if name == CONTAINERS:
        return ContainersBackend(**options)
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
