"""Fixture: the deployment of `docker-compose.yml`, up once for all tests here."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from compose_project import ROOT, ComposeProject, missing_engine


@pytest.fixture(scope="session")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeProject]:
    why_not = missing_engine()
    if why_not and os.environ.get("STOPLINE_REQUIRE_DOCKER") == "1":
        pytest.fail(f"STOPLINE_REQUIRE_DOCKER=1, but {why_not}")
    if why_not:
        pytest.skip(why_not)
    project = ComposeProject(_new_secrets(tmp_path_factory.mktemp("compose")))
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
