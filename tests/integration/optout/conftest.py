"""One real Kafka and Postgres for this folder; one pipeline and one API, which a test starts as it needs."""

import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from kept_service import KeptService
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


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def processes(
    backend: EmbeddedBackend, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[KeptService, KeptService]]:
    """Give pipeline and API, not started; what one test starts, the next one finds."""
    folder, ports = tmp_path_factory.mktemp("processes"), free_ports(2)
    services = _services(backend, folder, ports)
    yield services
    for service in services:
        await service.end()
    release_ports(ports)


@pytest.fixture(scope="package")
def worlds(backend: EmbeddedBackend, processes: tuple[KeptService, KeptService]) -> Worlds:
    """Return what makes a world, for those who share one."""
    return partial(OptOutWorld, backend, *processes, PARTITIONS)


@pytest_asyncio.fixture(loop_scope="session")
async def world(worlds: Worlds) -> AsyncIterator[OptOutWorld]:
    async with worlds() as world:
        yield world


def _services(backend: EmbeddedBackend, folder: Path, ports: list[int]) -> tuple[KeptService, KeptService]:
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
    secrets = {
        "STOPLINE_OPTOUT_DATABASE_URL": backend.optout_api_url,
        "STOPLINE_HTTP_PORT": str(ports[1]),
        "STOPLINE_API_CACHE_DIR": str(folder / "api-cache"),
        "STOPLINE_WEBHOOK_KEY": "the-webhook-key-of-these-tests-only",
        "STOPLINE_ERASURE_KEY": "the-erasure-key-of-these-tests-only",
        "STOPLINE_ADMIN_TOKEN": "the-admin-token-of-these-tests-only",
    }
    return (
        KeptService("optout", "services.optout", ports[0], environment | pipeline, folder / "optout.log"),
        KeptService("api", "services.optout.api", ports[1], environment | secrets, folder / "api.log"),
    )


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def links(backend: EmbeddedBackend, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """Give the pages of links, running."""
    (port,) = free_ports(1)
    environment = {
        "STOPLINE_KAFKA_BOOTSTRAP": backend.kafka_bootstrap,
        "STOPLINE_PARTITIONS": str(PARTITIONS),
        "STOPLINE_OPTOUT_DATABASE_URL": backend.optout_links_url,
        "STOPLINE_HTTP_PORT": str(port),
    }
    log = tmp_path_factory.mktemp("links") / "links.log"
    service = Service("links", "services.optout.links", port, environment, log)
    await service.start()
    yield service
    await service.stop()
    release_ports([port])


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STOPLINE_PARTITIONS", "STOPLINE_REPLICATION_FACTOR"):
        monkeypatch.delenv(name, raising=False)
