"""Fixtures: a broker and a Postgres secured as docs/security.md says, and services with logins of their own."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from secured_kafka import ADMIN, SecuredKafka, secured_kafka
from secured_postgres import SecuredPostgres, secured_postgres
from secured_world import Deployment, deployed, stopline


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="stopline-secured-"))
    made.chmod(0o755)  # PostgreSQL does not run as root, and must be able to enter
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
async def kafka(folder: Path) -> AsyncIterator[SecuredKafka]:
    """Give a broker that an administrator has prepared with our own commands."""
    async with secured_kafka(folder / "kafka") as running:
        phones = ("--principal", "phones=User:phones")
        for command in (
            ["topics", "create"],
            ["topics", "acls", "--apply", *phones],
            ["topics", "acls", "--check", *phones],
        ):
            stopline(running.settings(ADMIN), *command)
        yield running


@pytest.fixture(scope="session")
async def postgres(folder: Path) -> AsyncIterator[SecuredPostgres]:
    async with secured_postgres(folder / "postgres") as running:
        yield running


@pytest.fixture(scope="session")
async def deployment(kafka: SecuredKafka, postgres: SecuredPostgres, folder: Path) -> AsyncIterator[Deployment]:
    async with deployed(kafka, postgres, folder) as running:
        yield running
