"""One real Kafka and Postgres for this folder; pipeline and API as processes that a test starts as it needs."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from optout_world import OptOutWorld, Worlds

from harness.machine.ports import free_ports, release_ports
from harness.stack.embedded import EmbeddedBackend
from harness.stack.make_tables import make_tables
from harness.stack.service import Service
from shared.settings import KafkaSettings
from shared.topics import create_topics

PARTITIONS = 3


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def backend() -> AsyncIterator[EmbeddedBackend]:
    async with EmbeddedBackend(durable=False) as backend:
        await create_topics(KafkaSettings(kafka_bootstrap=backend.kafka_bootstrap, partitions=PARTITIONS))
        await make_tables(backend)
        yield backend


@pytest.fixture(scope="package")
def worlds(backend: EmbeddedBackend) -> Worlds:
    """Return what makes a world, for those who share one."""
    return partial(_new_world, backend)


@pytest_asyncio.fixture(loop_scope="session")
async def world(worlds: Worlds, tmp_path: Path) -> AsyncIterator[OptOutWorld]:
    async with worlds(tmp_path) as world:
        yield world


@asynccontextmanager
async def _new_world(backend: EmbeddedBackend, folder: Path) -> AsyncIterator[OptOutWorld]:
    """Yield a world whose processes are not started, with their logs in `folder`."""
    ports = free_ports(2)
    environment: dict[str, str] = {
        "STOPLINE_KAFKA_BOOTSTRAP": backend.kafka_bootstrap,
        "STOPLINE_PARTITIONS": str(PARTITIONS),
        "STOPLINE_REACH_POLICIES_FILE": os.environ["STOPLINE_REACH_POLICIES_FILE"],
    }
    # So soon has a successor the partitions of a process that was killed.
    pipeline = {
        "STOPLINE_OPTOUT_DATABASE_URL": backend.optout_pipeline_url,
        "STOPLINE_HTTP_PORT": str(ports[0]),
        "STOPLINE_SESSION_TIMEOUT_SECONDS": "2",
    }
    service = Service("optout", "services.optout", ports[0], environment | pipeline, folder / "optout.log")
    secrets = {
        "STOPLINE_OPTOUT_DATABASE_URL": backend.optout_api_url,
        "STOPLINE_HTTP_PORT": str(ports[1]),
        "STOPLINE_API_CACHE_DIR": str(folder / "api-cache"),
        "STOPLINE_WEBHOOK_KEY": "the-webhook-key-of-these-tests-only",
        "STOPLINE_ERASURE_KEY": "the-erasure-key-of-these-tests-only",
        "STOPLINE_ADMIN_TOKEN": "the-admin-token-of-these-tests-only",
    }
    api = Service("api", "services.optout.api", ports[1], environment | secrets, folder / "api.log")
    async with OptOutWorld(backend, service, api, PARTITIONS) as world:
        yield world
    release_ports(ports)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STOPLINE_PARTITIONS", "STOPLINE_REPLICATION_FACTOR"):
        monkeypatch.delenv(name, raising=False)
