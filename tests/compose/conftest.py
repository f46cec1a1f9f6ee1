"""Fixture: the deployment of `docker-compose.yml`, up once for all tests here."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from compose_project import ROOT, ComposeProject, missing_engine

from harness.machine.ports import free_ports, release_ports


@pytest.fixture(scope="session")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeProject]:
    _require_engine()
    with _up(ComposeProject(_new_secrets(tmp_path_factory.mktemp("compose")))) as project:
        yield project


@pytest.fixture(scope="session")
def many_machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeProject]:
    """The deployment with three Kafka nodes and several instances of each service."""
    if os.environ.get("STOPLINE_COMPOSE_MANY") != "1":
        pytest.skip("two minutes on 2 cores: run by `make compose-many`")
    _require_engine()
    kafka_2, kafka_3 = free_ports(2)
    more = {
        "STOPLINE_KAFKA_2_PORT": str(kafka_2),
        "STOPLINE_KAFKA_3_PORT": str(kafka_3),
        "STOPLINE_API_PORTS": "0",  # any that is free: a range that is free cannot be reserved
        "STOPLINE_KAFKA_HEAP_OPTS": "-Xms256m -Xmx256m",
    }
    secrets = _new_secrets(tmp_path_factory.mktemp("compose-many"))
    with _up(ComposeProject(secrets, beside=("deploy/compose.many.yml",), more=more)) as project:
        yield project
    release_ports([kafka_2, kafka_3])


def _require_engine() -> None:
    why_not = missing_engine()
    if why_not and os.environ.get("STOPLINE_REQUIRE_DOCKER") == "1":
        pytest.fail(f"STOPLINE_REQUIRE_DOCKER=1, but {why_not}")
    if why_not:
        pytest.skip(why_not)


@contextmanager
def _up(project: ComposeProject) -> Iterator[ComposeProject]:
    try:
        project.build()
        project.up()
        yield project
    finally:
        project.remove()


def _new_secrets(folder: Path) -> Path:
    env_file = folder / "deployment.env"
    subprocess.run([ROOT / "deploy" / "new-env", env_file], check=True, timeout=10)
    return env_file
